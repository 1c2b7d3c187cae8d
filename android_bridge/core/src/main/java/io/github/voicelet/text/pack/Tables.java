package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import io.github.voicelet.text.pack.pattern.Macros;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The tables and word sets of a pack, by name; each is read when first asked for. */
final class Tables implements Macros.WordSets {
  /** Reads one table. */
  interface Source {
    Table read();
  }

  private final Map<String, Source> sources;
  private final Map<String, String> sets;
  private final String where;
  private final Map<String, Table> tables = new ConcurrentHashMap<>();
  private final Map<String, Set<String>> words = new ConcurrentHashMap<>();

  /**
   * Of one pack.
   *
   * @param sources table → what reads it.
   * @param sets set → its words, parted by blanks.
   * @param where the pack's name for messages.
   */
  Tables(Map<String, Source> sources, Map<String, String> sets, String where) {
    this.sources = sources;
    this.sets = sets;
    this.where = where;
  }

  /** Whether there is a table of that name. */
  boolean has(String name) {
    return sources.containsKey(name);
  }

  /**
   * The table of that name.
   *
   * @throws PackException there is none, or it can't be read.
   */
  Table table(String name) {
    Table table = tables.get(name);
    if (table == null) {
      Source source = sources.get(name);
      if (source == null) {
        List<String> known = new ArrayList<>(sources.keySet());
        known.addAll(sets.keySet());
        throw new PackException(
            where
                + ": there is no table or set '"
                + name
                + "'"
                + Nearest.didYouMean(name, known)
                + "; add tables/"
                + name
                + ".tsv, or a set to rules.json");
      }
      table = source.read();
      tables.put(name, table);
    }
    return table;
  }

  @Override
  public Set<String> words(String name) {
    Set<String> found = words.get(name);
    if (found == null) {
      String set = sets.get(name);
      found = set != null ? new HashSet<>(Whitespace.words(set)) : table(name).rows.keySet();
      words.put(name, found);
    }
    return found;
  }

  /** As {@link #words}; empty where there is neither. */
  Set<String> wordsOrNone(String name) {
    return sets.containsKey(name) || has(name) ? words(name) : Collections.<String>emptySet();
  }
}
