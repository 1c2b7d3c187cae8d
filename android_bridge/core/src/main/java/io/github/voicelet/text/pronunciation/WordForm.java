package io.github.voicelet.text.pronunciation;

import io.github.voicelet.text.pack.Settings;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The form that a word takes at its place in a phrase. */
final class WordForm {
  private static final Set<String> PLACES = new HashSet<>(Arrays.asList("start", "end", "not-start", "not-end"));
  private static final Set<String> STRESSES = new HashSet<>(Arrays.asList("primary", "secondary", "none"));

  final Set<String> words;
  private final List<String> at;
  private final Set<String> before;
  private final Set<String> after;
  private final Boolean stressedAfter;
  private final String say;
  private final String stress;

  WordForm(Settings data, WordLists lists) {
    words = lists.of(data.string("word"), data);
    at = WordLists.names(data, "at", PLACES);
    before = lists.maybe(data, "before");
    after = lists.maybe(data, "after");
    say = data.string("say", "");
    List<String> stresses = WordLists.names(data, "stress", STRESSES);
    stress = stresses.isEmpty() ? "" : stresses.get(0);
    stressedAfter = data.flagOrNull("stressed_after");
    if (say.isEmpty() == stress.isEmpty()) {
      throw data.error("the form of '" + data.string("word") + "' has either say or stress");
    }
    data.close();
  }

  boolean fits(List<PhraseWord> phrase, int place, boolean isStressedAfter) {
    boolean atStart = place == 0;
    boolean atEnd = place == phrase.size() - 1;
    for (String name : at) {
      boolean holds = name.endsWith("start") ? atStart : atEnd;
      if (holds == name.startsWith("not-")) {
        return false;
      }
    }
    return (stressedAfter == null || stressedAfter == isStressedAfter)
        && (before == null || (!atStart && before.contains(phrase.get(place - 1).key)))
        && (after == null || (!atEnd && after.contains(phrase.get(place + 1).key)));
  }

  String change(String phones) {
    switch (stress) {
      case "primary":
        return Stresses.strengthened(phones);
      case "secondary":
        return Stresses.weakened(phones);
      case "none":
        return Stresses.unstressed(phones);
      default:
        return say;
    }
  }
}
