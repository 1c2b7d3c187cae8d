package io.github.voicelet.text.pronunciation;

import io.github.voicelet.PackException;
import io.github.voicelet.text.pack.Settings;
import io.github.voicelet.text.pack.pattern.Macros;
import io.github.voicelet.text.pack.pattern.PortablePattern;
import io.github.voicelet.text.unicode.Characters;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Regular endings ({@code inflection.json}), so that a lexicon needs the stem only: an ending is found in a word's
 * letters, the lexicon is asked for each stem that the word may have come from, and the ending's sounds are put on
 * the phones that it knows. Safe to share between threads.
 */
public final class Inflection {
  private static final int LONGEST_END = 64;
  private static final int MOST_DROPPED = 20;
  static final Macros.WordSets NO_SETS =
      name -> {
        throw new PackException("there is no set '" + name + "' here");
      };

  /** What a lexicon says of a word in lower case, or null. */
  public interface Lookup {
    String get(String key);
  }

  private final Map<String, List<Change>> adds = new HashMap<>();
  private final List<Ending> endings = new ArrayList<>();
  private final String plural;
  private final List<String> spelled;

  /**
   * @param data the object of {@code inflection.json}.
   * @param where its name for messages.
   * @param check whether its patterns are looked into at once; without, they are known to be right.
   * @throws PackException it is wrong.
   */
  public Inflection(Map<String, Object> data, String where, boolean check) {
    try (Settings all = new Settings(data, where)) {
      if (all.integer("format") != 1) {
        throw all.error("format " + all.integer("format") + ": this voicelet reads format 1; update voicelet");
      }
      Macros macros = new Macros(all.texts("macros"), NO_SETS, check);
      for (String name : all.objects("adds").keySet()) {
        List<Change> changes = new ArrayList<>();
        for (Object change : all.inner("adds").list(name)) {
          changes.add(new Change(all.of(change, "adds." + name), macros));
        }
        adds.put(name, changes);
      }
      for (Object ending : all.list("endings")) {
        endings.add(new Ending(all.of(ending, "endings"), macros));
      }
      plural = all.string("plural", "");
      spelled = all.strings("spelled");
      for (Ending ending : endings) {
        checkAdd(ending.add, all);
      }
      checkAdd(plural, all);
    }
  }

  private void checkAdd(String name, Settings all) {
    if (!name.isEmpty() && !adds.containsKey(name)) {
      throw all.error("adds has no '" + name + "'");
    }
  }

  /**
   * Phones of a regular inflection whose stem the lexicon knows, or null.
   *
   * @param word lower case, with straight apostrophes.
   * @param senses in which the word may be meant here.
   */
  public String inflected(String word, Lookup lookup, List<String> senses) {
    for (Ending ending : endings) {
      if (!ending.fits(word)) {
        continue;
      }
      String before = word.substring(0, word.length() - ending.written.length());
      for (Change change : ending.stems) {
        String stem = change.apply(before);
        String phones = stem == null || stem.isEmpty() ? null : phones(ending, stem, lookup, senses);
        if (phones != null) {
          return phones;
        }
      }
    }
    return null;
  }

  private String phones(Ending ending, String stem, Lookup lookup, List<String> senses) {
    List<String> asked = ending.sense.isEmpty() ? senses : Collections.singletonList(ending.sense);
    for (int i = 0; i <= asked.size(); i++) {
      String said = lookup.get(i < asked.size() ? stem + "|" + asked.get(i) : stem);
      if (said != null && !said.isEmpty()) {
        LexiconEntry entry = LexiconEntry.parse(said);
        if (Collections.disjoint(entry.classes(), ending.without)) {
          return add(ending.add, entry.phones());
        }
      }
    }
    return null;
  }

  /** Phones with the plural or possessive. */
  public String addPlural(String phones) {
    return add(plural, phones);
  }

  /** A spelled word without its closing plural or possessive ("CDs", "FBI's"); null where it has none. */
  public String withoutPlural(String word) {
    String text = word.replace('’', '\'');
    for (String ending : spelled) {
      if (text.endsWith(ending)) {
        String stem = text.substring(0, text.length() - ending.length());
        if (hasCapital(stem)) {
          return stem;
        }
      }
    }
    return null;
  }

  private static boolean hasCapital(String text) {
    for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
      if (Characters.isUpper(text.codePointAt(i))) {
        return true;
      }
    }
    return false;
  }

  private String add(String name, String phones) {
    List<Change> changes = adds.get(name);
    if (changes != null) {
      for (Change change : changes) {
        String changed = change.apply(phones);
        if (changed != null) {
          return changed;
        }
      }
    }
    return phones;
  }

  private static PortablePattern atEnd(String source, Macros macros, Settings settings) {
    if (source.isEmpty()) {
      return null;
    }
    PortablePattern pattern = new PortablePattern("(?:" + source + ")" + Macros.END, macros, settings.where());
    pattern.check();
    return pattern;
  }

  private static boolean ends(PortablePattern pattern, String text) {
    String end = text.length() > LONGEST_END ? text.substring(text.length() - LONGEST_END) : text;
    return pattern == null || pattern.isIn(end);
  }

  /** What is put at an end: after what, how much is dropped, what stands there instead. */
  private static final class Change {
    private final PortablePattern after;
    private final int drop;
    private final String put;

    Change(Settings data, Macros macros) {
      after = atEnd(data.string("after", ""), macros, data);
      drop = data.integer("drop", 0);
      put = data.string("put", "");
      if (drop < 0 || drop > MOST_DROPPED) {
        throw data.error("drop is from 0 to " + MOST_DROPPED);
      }
      data.close();
    }

    String apply(String text) {
      return text.length() < drop || !ends(after, text) ? null : text.substring(0, text.length() - drop) + put;
    }
  }

  /** An ending in letters, and the stems that a word with it may come from. */
  private static final class Ending {
    final String written;
    final String add;
    final String sense;
    final Set<String> without;
    final List<Change> stems = new ArrayList<>();
    private final int minLetters;
    private final PortablePattern after;

    Ending(Settings data, Macros macros) {
      written = data.string("written");
      if (written.isEmpty()) {
        throw data.error("an ending has letters");
      }
      add = data.string("add", "");
      sense = data.string("sense", "");
      without = new HashSet<>(Whitespace.words(data.string("not_class", "")));
      minLetters = data.integer("min_letters", 0);
      after = atEnd(data.string("after", ""), macros, data);
      for (Object change : data.requiredList("stems")) {
        stems.add(new Change(data.of(change, "stems"), macros));
      }
      data.close();
    }

    boolean fits(String word) {
      return word.endsWith(written)
          && word.length() >= Math.max(minLetters, written.length() + 1)
          && ends(after, word.substring(0, word.length() - written.length()));
    }
  }
}
