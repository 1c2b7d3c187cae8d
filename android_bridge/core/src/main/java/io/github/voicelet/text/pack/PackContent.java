package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The files of a pack and of those that it inherits from, merged. */
final class PackContent {
  static final String PACK = "pack.json";
  static final String RULES = "rules.json";
  private static final String TAG = "[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3}";
  private static final int MAX_ANCESTORS = 4;

  /** The pack's, then the one that it inherits from, and so on. */
  final List<PackReader> readers;

  final PackConfig config;
  final RulesConfig rules;
  final Map<String, Tables.Source> tables;

  /** Texts of number rules, the furthest ancestor's first. */
  final List<String> numbers;

  /** Code point → what clean-up makes of it. */
  final Map<Integer, String> cleanup;

  private final Map<String, Object> raw;

  private PackContent(
      List<PackReader> readers,
      Map<String, Object> raw,
      RulesConfig rules,
      Map<String, Tables.Source> tables,
      List<String> numbers,
      Map<Integer, String> cleanup) {
    this.readers = readers;
    this.raw = raw;
    this.config = new PackConfig(raw, readers.get(0).place(PACK));
    this.rules = rules;
    this.tables = tables;
    this.numbers = numbers;
    this.cleanup = cleanup;
  }

  /**
   * Read a pack and its ancestors.
   *
   * @throws PackException a file is missing, wrong or too large; the message says which and where.
   */
  static PackContent read(PackFiles files, PackParents parents) {
    return read(files, parents, new ArrayList<String>());
  }

  private static PackContent read(PackFiles files, PackParents parents, List<String> heirs) {
    PackReader reader = new PackReader(files);
    Map<String, Object> raw = reader.json(PACK);
    if (raw == null) {
      throw new PackException(reader.place(PACK) + " can't be read: there is no such file");
    }
    PackConfig config = new PackConfig(raw, reader.place(PACK));
    String tag = lower(config.language);
    if (!tag.matches(TAG) || !lower(reader.folder()).equals(tag)) {
      throw new PackException(
          reader.place(PACK)
              + ": the language '"
              + config.language
              + "' and the folder '"
              + reader.folder()
              + "' differ; name the folder as the BCP 47 tag in lower case");
    }
    RulesConfig rules = RulesConfig.NONE;
    Map<String, Object> rulesRaw = reader.json(RULES);
    if (rulesRaw != null) {
      try (Settings settings = new Settings(rulesRaw, reader.place(RULES))) {
        rules = RulesConfig.of(settings);
      }
    }
    String numbers = reader.text("numbers.rbnf");
    PackContent own =
        new PackContent(
            Collections.singletonList(reader),
            raw,
            rules,
            reader.tables(),
            numbers == null ? Collections.<String>emptyList() : Collections.singletonList(numbers),
            reader.cleanup());
    if (config.inherits == null) {
      return own;
    }
    String parent = lower(config.inherits);
    List<String> line = new ArrayList<>(heirs);
    line.add(tag);
    if (line.contains(parent) || heirs.size() >= MAX_ANCESTORS) {
      throw new PackException(
          reader.place(PACK)
              + ": "
              + Whitespace.join(" ← ", line)
              + " ← "
              + parent
              + ": packs inherit in a circle, or over more than "
              + MAX_ANCESTORS
              + " steps");
    }
    PackFiles found = parent.matches(TAG) ? parents.find(parent) : null;
    if (found == null) {
      throw new PackException(
          reader.place(PACK) + ": it inherits from '" + parent + "', and there is no such pack beside it");
    }
    return read(found, parents, line).completedBy(own);
  }

  private static String lower(String tag) {
    return Case.lower(tag);
  }

  private PackContent completedBy(PackContent child) {
    List<PackReader> allReaders = new ArrayList<>(child.readers);
    allReaders.addAll(readers);
    Map<String, Object> settings = PackReader.merged(raw, child.raw);
    settings.put("inherits", child.config.inherits);
    Map<String, Tables.Source> allTables = new LinkedHashMap<>(tables);
    for (Map.Entry<String, Tables.Source> entry : child.tables.entrySet()) {
      Tables.Source base = tables.get(entry.getKey());
      Tables.Source source = entry.getValue();
      allTables.put(entry.getKey(), base == null ? source : () -> base.read().completedBy(source.read()));
    }
    List<String> allNumbers = new ArrayList<>(numbers);
    allNumbers.addAll(child.numbers);
    Map<Integer, String> allCleanup = new HashMap<>(cleanup);
    allCleanup.putAll(child.cleanup);
    return new PackContent(
        allReaders, settings, rules.completedBy(child.rules), allTables, allNumbers, allCleanup);
  }

  /** What messages call the pack. */
  String place() {
    String file = readers.get(0).place("");
    return file.substring(0, file.length() - 1);
  }
}
