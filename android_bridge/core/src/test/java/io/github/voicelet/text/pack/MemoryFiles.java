package io.github.voicelet.text.pack;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A small pack in memory, any of whose files may be changed. */
public final class MemoryFiles implements PackFiles {
  private static final String SETTINGS =
      "{'format': 1, 'language': 'qaa', 'letters': 'é', 'plurals': {'one': 'n = 1'}, 'contraction': '`t[a-z]{1,3}',"
          + " 'numbers': {'cardinal': 'n', 'year': 'n', 'decimal_word': 'komo'}}";

  private static final String RULES =
      "{'macros': {'e': '(?![a-z])'}, 'sets': {'s': 'ab cd'}, 'rules': [{'id': 'n', 'at': 'digit|say-as:date',"
          + " 'match': '(?<n>[0-9]{1,9}) ?(?<u>{{keys:units}}){{e}}', 'cases': ["
          + "{'when': ['prev @s', 'in u @s'], 'say': '{n|spell:n} {u|of:units@n|pre:x}'},"
          + "{'when': ['greater n n or like u k[a-z]'], 'say': '{n|spell:n} {u|of:units@n}'},"
          + "{'say': '{n|digits} {u|of:units.other}'}]}]}";

  static final String NUMBERS =
      "%n:\n-x: less >>;\nx.x: << point >>;\n0: no;\n1: ba;\n2: $(cardinal,one{a}other{b})$;\n10: << ten[->>];\n";

  private final Map<String, byte[]> files = new LinkedHashMap<>();
  private final String place;

  /** The sound pack "qaa". */
  public MemoryFiles() {
    this("packs/qaa");
    put("pack.json", json(SETTINGS));
    put("rules.json", json(RULES));
    put("tables/units.tsv", "key\tone\tother\nkm\tka\tkas\nm\tma\tmas\n");
    put("numbers.rbnf", NUMBERS);
    put("cleanup.tsv", "№\tn\n");
  }

  /** An empty one. */
  MemoryFiles(String place) {
    this.place = place;
  }

  /** JSON is written with apostrophes for quotes here, and with ` for an apostrophe. */
  static String json(String text) {
    return text.replace('\'', '"').replace('`', '\'');
  }

  MemoryFiles put(String name, String text) {
    return put(name, text.getBytes(StandardCharsets.UTF_8));
  }

  MemoryFiles put(String name, byte[] bytes) {
    files.put(name, bytes);
    return this;
  }

  /** With other rules: one, whose cases are given. */
  static MemoryFiles withCases(String match, String cases) {
    String rule = "{'rules': [{'id': 'r', 'at': 'digit', 'match': '" + match + "', 'cases': " + cases + "}]}";
    return new MemoryFiles().put("rules.json", json(rule));
  }

  Pack open() {
    return Pack.open(this, tag -> null);
  }

  @Override
  public byte[] read(String name) {
    return files.get(name);
  }

  @Override
  public List<String> names() {
    return new ArrayList<>(files.keySet());
  }

  @Override
  public String place() {
    return place;
  }
}
