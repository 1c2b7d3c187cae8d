package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import io.github.voicelet.text.CharacterNames.MarkName;
import io.github.voicelet.text.CharacterNames;
import io.github.voicelet.text.Reading;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The tables of a pack that hold the names of marks, letters and keys; a pack may lack any of them. */
final class NameTables {
  private static final List<String> LEVELS = Arrays.asList("some", "most", "all");

  private NameTables() {}

  /**
   * The names that a pack has.
   *
   * @throws PackException a table lacks a column, or a mark is no character or has no level.
   */
  static CharacterNames read(Tables tables) {
    Map<String, String> capitals = names(tables, "capitals");
    String letter = capitals.containsKey("letter") ? capitals.get("letter") : "";
    String word = capitals.containsKey("word") ? capitals.get("word") : letter;
    return new CharacterNames(marks(tables), names(tables, "letters"), names(tables, "keys"), letter, word);
  }

  private static Map<String, String> names(Tables tables, String name) {
    if (!tables.has(name)) {
      return Collections.emptyMap();
    }
    Table table = tables.table(name);
    int place = table.place("name", "tables/" + name + ".tsv");
    Map<String, String> names = new LinkedHashMap<>();
    for (Map.Entry<String, List<String>> row : table.rows.entrySet()) {
      names.put(row.getKey(), row.getValue().get(place));
    }
    return names;
  }

  private static Map<String, MarkName> marks(Tables tables) {
    if (!tables.has("punctuation")) {
      return Collections.emptyMap();
    }
    String where = "tables/punctuation.tsv";
    Table table = tables.table("punctuation");
    int name = table.place("name", where);
    int level = table.place("level", where);
    Map<String, MarkName> marks = new LinkedHashMap<>();
    for (Map.Entry<String, List<String>> row : table.rows.entrySet()) {
      String mark = row.getKey();
      if (mark.codePointCount(0, mark.length()) != 1) {
        throw new PackException(where + ": a mark is one character, not '" + mark + "'");
      }
      String spoken = row.getValue().get(level);
      int place = LEVELS.indexOf(spoken);
      if (place < 0) {
        throw new PackException(
            where
                + ": the level of '"
                + mark
                + "' is '"
                + spoken
                + "'"
                + Nearest.didYouMean(spoken, LEVELS)
                + "; there are "
                + Whitespace.join(", ", LEVELS));
      }
      marks.put(mark, new MarkName(row.getValue().get(name), Reading.Punctuation.values()[place + 1]));
    }
    return marks;
  }
}
