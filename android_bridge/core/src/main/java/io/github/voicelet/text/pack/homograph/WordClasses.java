package io.github.voicelet.text.pack.homograph;

import io.github.voicelet.PackException;
import io.github.voicelet.text.pack.Nearest;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Named classes of words, as homographs.json and weak.json define them. */
public final class WordClasses {
  private final Map<String, Set<String>> classes = new HashMap<>();

  /**
   * Classes by their names; one may be built from those before it.
   *
   * @throws PackException a class names one that isn't defined before it.
   */
  public WordClasses(Map<String, String> texts, String where) {
    for (Map.Entry<String, String> entry : texts.entrySet()) {
      classes.put(entry.getKey(), words(entry.getValue(), where + ": class '" + entry.getKey() + "'"));
    }
  }

  /**
   * The words of a list in which {@code @name} stands for a class and {@code -} for no word ("").
   *
   * @throws PackException a class isn't defined.
   */
  public Set<String> words(String text, String where) {
    Set<String> words = new HashSet<>();
    for (String word : Whitespace.words(text)) {
      if (word.startsWith("@")) {
        Set<String> of = classes.get(word.substring(1));
        if (of == null) {
          throw new PackException(
              where
                  + ": no class is named '"
                  + word
                  + "'"
                  + Nearest.didYouMean(word.substring(1), classes.keySet())
                  + "; define it under \"classes\"");
        }
        words.addAll(of);
      } else {
        words.add(word.equals("-") ? "" : word);
      }
    }
    return words;
  }
}
