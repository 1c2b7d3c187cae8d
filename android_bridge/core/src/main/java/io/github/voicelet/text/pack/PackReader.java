package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.text.unicode.Whitespace;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads single files of a pack, and checks their form. */
final class PackReader {
  static final int MAX_FILE_BYTES = 4 << 20;
  static final int MAX_TABLES = 200;
  private static final int MAX_BECOMES = 20;
  private static final String TABLES = "tables/";
  private static final String TABLE_ENDING = ".tsv";

  private final PackFiles files;

  PackReader(PackFiles files) {
    this.files = files;
  }

  /** What messages call a file. */
  String place(String name) {
    return files.place() + "/" + name;
  }

  /** The name of the pack's folder. */
  String folder() {
    String place = files.place();
    while (place.endsWith("/")) {
      place = place.substring(0, place.length() - 1);
    }
    return place.substring(Math.max(place.lastIndexOf('/'), place.lastIndexOf('\\')) + 1);
  }

  byte[] bytes(String name) {
    return files.read(name);
  }

  /**
   * A text; null where there is no such file.
   *
   * @throws PackException it is too large, or no UTF-8.
   */
  String text(String name) {
    byte[] raw = files.read(name);
    return raw == null ? null : decoded(raw, place(name));
  }

  static String decoded(byte[] raw, String place) {
    if (raw.length > MAX_FILE_BYTES) {
      throw new PackException(place + ": larger than " + (MAX_FILE_BYTES >> 20) + " MiB; shorten it");
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT)
          .decode(ByteBuffer.wrap(raw))
          .toString();
    } catch (CharacterCodingException e) {
      throw new PackException(place + " is not UTF-8 text; save it as UTF-8", e);
    }
  }

  /**
   * One object; null where there is no such file.
   *
   * @throws PackException it isn't one.
   */
  Map<String, Object> json(String name) {
    String text = text(name);
    return text == null ? null : object(text, place(name));
  }

  static Map<String, Object> object(String text, String place) {
    Object value;
    try {
      value = Json.parse(text);
    } catch (JsonException e) {
      throw new PackException(place + " is not valid JSON: " + e.getMessage(), e);
    }
    if (!(value instanceof Map)) {
      throw new PackException(place + ": expected one object");
    }
    return Json.object(value, place);
  }

  /** The parent's values with the child's in their place; objects are merged key by key. */
  static Map<String, Object> merged(Map<String, Object> parent, Map<String, Object> child) {
    Map<String, Object> merged = new LinkedHashMap<>(parent);
    for (Map.Entry<String, Object> entry : child.entrySet()) {
      Object base = merged.get(entry.getKey());
      Object value = entry.getValue();
      if (base instanceof Map && value instanceof Map) {
        value = merged(Json.object(base, entry.getKey()), Json.object(value, entry.getKey()));
      }
      merged.put(entry.getKey(), value);
    }
    return merged;
  }

  /**
   * What reads each table.
   *
   * @throws PackException there are too many, or one can't have its name.
   */
  Map<String, Tables.Source> tables() {
    List<String> names = new ArrayList<>();
    for (String name : files.names()) {
      if (name.startsWith(TABLES) && name.endsWith(TABLE_ENDING) && name.indexOf('/', TABLES.length()) < 0) {
        names.add(name);
      }
    }
    Collections.sort(names);
    if (names.size() > MAX_TABLES) {
      throw new PackException(place("tables") + ": more than " + MAX_TABLES + " tables");
    }
    Map<String, Tables.Source> sources = new LinkedHashMap<>();
    for (String name : names) {
      String stem = name.substring(TABLES.length(), name.length() - TABLE_ENDING.length());
      if (!stem.matches("[a-z][a-z0-9_]{0,39}")) {
        throw new PackException(place(name) + ": name a table in lower-case letters, digits and '_'");
      }
      sources.put(stem, () -> table(name));
    }
    return sources;
  }

  private Table table(String name) {
    String text = text(name);
    if (text == null) {
      throw new PackException(place(name) + " can't be read: it is gone");
    }
    return Table.parse(text, place(name));
  }

  /**
   * Lines of one character, a tab, what it becomes.
   *
   * @throws PackException one isn't.
   */
  Map<Integer, String> cleanup() {
    String text = text("cleanup.tsv");
    Map<Integer, String> rows = new HashMap<>();
    int number = 0;
    for (String line : text == null ? Collections.<String>emptyList() : Whitespace.lines(text)) {
      number++;
      int tab = line.indexOf('\t');
      boolean single = tab > 0 && line.codePointCount(0, tab) == 1;
      String becomes = single ? line.substring(tab + 1) : "";
      if (!single || becomes.codePointCount(0, becomes.length()) > MAX_BECOMES || becomes.indexOf('\t') >= 0) {
        throw new PackException(
            place("cleanup.tsv") + ", line " + number + ": write one character, a tab, what it becomes");
      }
      rows.put(line.codePointAt(0), becomes);
    }
    return rows;
  }
}
