package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import io.github.voicelet.text.CodePoints;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Rows of words by key, in tab-separated text. */
final class Table {
  static final int MAX_ROWS = 50_000;
  static final int MAX_COLUMNS = 16;
  private static final int MAX_CELL_CHARS = 500;

  /** Names of the columns after the key. */
  final List<String> columns;

  /** Key → values, one for each column. */
  final Map<String, List<String>> rows;

  private Table(List<String> columns, Map<String, List<String>> rows) {
    this.columns = columns;
    this.rows = rows;
  }

  /**
   * Read a table: the first line names the columns, the first column is the key.
   *
   * @throws PackException a row has another number of columns, or its key comes twice.
   */
  static Table parse(String text, String where) {
    int end = lineEnd(text, 0);
    List<String> header = cells(text, 0, end);
    if (header.size() < 2 || header.size() > MAX_COLUMNS || header.contains("")) {
      throw new PackException(where + ": the first line names the columns: 'key', a tab, and so on");
    }
    Map<String, List<String>> rows = new LinkedHashMap<>();
    Map<String, String> known = new HashMap<>();
    int number = 1;
    while (end < text.length()) {
      int start = end + 1;
      end = lineEnd(text, start);
      if (++number > MAX_ROWS) {
        throw new PackException(where + ": more than " + MAX_ROWS + " rows; split the table");
      }
      List<String> cells = cells(text, start, end);
      if (cells.size() == 1 && cells.get(0).isEmpty()) {
        continue;
      }
      if (cells.size() != header.size() || cells.get(0).isEmpty()) {
        throw new PackException(
            where
                + ", line "
                + number
                + ": "
                + cells.size()
                + " columns, not "
                + header.size()
                + "; part them by tabs");
      }
      for (String cell : cells) {
        if (cell.length() > MAX_CELL_CHARS && CodePoints.count(cell) > MAX_CELL_CHARS) {
          throw new PackException(
              where + ", line " + number + ": a cell has at most " + MAX_CELL_CHARS + " characters");
        }
      }
      for (int i = 1; i < cells.size(); i++) { // most cells repeat others
        String same = known.get(cells.get(i));
        if (same == null) {
          known.put(cells.get(i), cells.get(i));
        } else {
          cells.set(i, same);
        }
      }
      List<String> values = Collections.unmodifiableList(new ArrayList<>(cells.subList(1, cells.size())));
      if (rows.put(cells.get(0), values) != null) {
        throw new PackException(where + ", line " + number + ": the key '" + cells.get(0) + "' comes twice");
      }
    }
    return new Table(new ArrayList<>(header.subList(1, header.size())), rows);
  }

  private static int lineEnd(String text, int from) {
    int end = text.indexOf('\n', from);
    return end < 0 ? text.length() : end;
  }

  private static List<String> cells(String text, int start, int lineEnd) {
    int end = lineEnd;
    while (end > start && text.charAt(end - 1) == '\r') {
      end--;
    }
    List<String> cells = new ArrayList<>(4);
    int from = start;
    for (int tab = text.indexOf('\t', from); tab >= 0 && tab < end; tab = text.indexOf('\t', from)) {
      cells.add(text.substring(from, tab));
      from = tab + 1;
    }
    cells.add(text.substring(from, Math.max(from, end)));
    return cells;
  }

  /** The rows with those of a child in their place, and the child's columns. */
  Table completedBy(Table child) {
    Map<String, List<String>> all = new LinkedHashMap<>();
    for (Map.Entry<String, List<String>> row : rows.entrySet()) {
      String[] values = new String[child.columns.size()];
      Arrays.fill(values, "");
      for (int i = 0; i < values.length; i++) {
        int place = columns.indexOf(child.columns.get(i));
        if (place >= 0) {
          values[i] = row.getValue().get(place);
        }
      }
      all.put(row.getKey(), Arrays.asList(values));
    }
    all.putAll(child.rows);
    return new Table(child.columns, all);
  }

  /** The row of a key, or of its lower case; null for none. */
  List<String> row(String key) {
    List<String> row = rows.get(key);
    return row != null ? row : rows.get(Case.lower(key));
  }

  /**
   * Where a column stands in a row.
   *
   * @throws PackException there is none of that name.
   */
  int place(String column, String where) {
    int place = columns.indexOf(column);
    if (place < 0) {
      throw new PackException(
          where
              + ": the table has no column '"
              + column
              + "'"
              + Nearest.didYouMean(column, columns)
              + "; it has "
              + Whitespace.join(", ", columns));
    }
    return place;
  }
}
