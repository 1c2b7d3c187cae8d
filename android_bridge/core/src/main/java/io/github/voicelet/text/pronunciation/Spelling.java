package io.github.voicelet.text.pronunciation;

import io.github.voicelet.text.CodePoints;
import io.github.voicelet.text.unicode.Latin;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Letters said one by one, by their names in the language. Safe to share between threads. */
public final class Spelling {
  private final Map<String, String> names = new HashMap<>();
  private final String letters;
  private final Phrases phrases;
  private final Inflection inflection;

  /**
   * @param names letter in lower case → phones of its name; without a stress mark, the first vowel is stressed.
   * @param letters the letters of the alphabet beyond a-z.
   * @param phrases how the sounds of two names meet.
   * @param inflection how the plural of a spelled word is said.
   */
  public Spelling(Map<String, String> names, String letters, Phrases phrases, Inflection inflection) {
    for (Map.Entry<String, String> name : names.entrySet()) {
      this.names.put(name.getKey(), Stresses.strengthened(name.getValue()));
    }
    this.letters = letters;
    this.phrases = phrases;
    this.inflection = inflection;
  }

  /**
   * Phones of a word's letters: secondary stress, the primary on the last.
   *
   * <p>A closing plural or possessive ("CDs", "FBI's") isn't spelled but said.
   */
  public String spelled(String text) {
    String stem = inflection.withoutPlural(text);
    String phones = row(stem == null ? text : stem);
    return stem == null || phones.isEmpty() ? phones : inflection.addPlural(phones);
  }

  private String row(String text) {
    List<String> known = new ArrayList<>();
    for (int code : CodePoints.of(Latin.toLatin(text, letters))) {
      String letter = CodePoints.string(code);
      if (names.containsKey(letter)) {
        known.add(letter);
      }
    }
    String said = "";
    for (int place = 0; place < known.size(); place++) {
      String name = names.get(known.get(place));
      if (place < known.size() - 1) {
        name = Stresses.weakened(name);
      }
      if (!said.isEmpty()) {
        PhraseWord before = new PhraseWord(known.get(place - 1), said);
        Linked linked = phrases.linked(before, new PhraseWord(known.get(place), name), "letters");
        said = linked.before;
        name = linked.after;
      }
      said += name;
    }
    return said;
  }
}
