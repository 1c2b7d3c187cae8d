package io.github.voicelet.text.pack;

import io.github.voicelet.ConfigException;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;

/** Which of the packs that there are reads a language. */
public final class LanguageTags {
  private LanguageTags() {}

  /**
   * The pack of a language: itself, or the nearest that it is a kind of ("en-US" is read by "en", "pt" by the only Portuguese that
   * there is).
   *
   * @param tag BCP 47.
   * @param known tags in lower case.
   * @throws ConfigException none reads it; the message says what there is.
   */
  public static String match(String tag, Collection<String> known) {
    String wanted = Case.lower(tag.replace('_', '-'));
    for (String nearest = wanted; ; nearest = nearest.substring(0, nearest.lastIndexOf('-'))) {
      if (known.contains(nearest)) {
        return nearest;
      }
      if (nearest.indexOf('-') < 0) {
        return regional(tag, nearest, known);
      }
    }
  }

  private static String regional(String tag, String language, Collection<String> known) {
    String only = null;
    int count = 0;
    for (String other : known) {
      if (other.startsWith(language + "-")) {
        only = other;
        count++;
      }
    }
    if (count == 1) {
      return only;
    }
    List<String> sorted = new ArrayList<>(known);
    Collections.sort(sorted);
    throw new ConfigException(
        "voicelet doesn't read the language '"
            + tag
            + "'"
            + Nearest.didYouMean(Case.lower(tag), sorted)
            + "; it reads "
            + Whitespace.join(", ", sorted)
            + ". Install a pack of it (voicelet pack install)");
  }
}
