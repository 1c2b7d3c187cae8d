package io.github.voicelet.text.pronunciation;

import io.github.voicelet.text.pack.Nearest;
import io.github.voicelet.text.pack.Settings;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Word lists of {@code weak.json}: words parted by blanks, {@code @name} for a set. */
final class WordLists {
  private final Map<String, String> sets;

  WordLists(Map<String, String> sets) {
    this.sets = sets;
  }

  Set<String> of(String text, Settings place) {
    Set<String> words = new HashSet<>();
    for (String word : Whitespace.words(text)) {
      if (!word.startsWith("@")) {
        words.add(word);
        continue;
      }
      String set = sets.get(word.substring(1));
      if (set == null) {
        String near = Nearest.didYouMean(word.substring(1), sets.keySet());
        throw place.error("there is no set '" + word.substring(1) + "'" + near + "; add it to sets");
      }
      words.addAll(Whitespace.words(set));
    }
    return words;
  }

  /** The words of a key's list; null where it has none. */
  Set<String> maybe(Settings settings, String key) {
    String text = settings.stringOrNull(key);
    return text == null ? null : of(text, settings);
  }

  /** The names that a key holds, parted by blanks. */
  static List<String> names(Settings settings, String key, Set<String> known) {
    List<String> names = Whitespace.words(settings.string(key, ""));
    for (String name : names) {
      if (!known.contains(name)) {
        throw settings.error(key + ": '" + name + "'" + Nearest.didYouMean(name, known) + " is none of its values");
      }
    }
    return names;
  }
}
