package io.github.voicelet.text;

import io.github.voicelet.text.unicode.Characters;
import java.util.Collection;
import java.util.Queue;

/**
 * Capitals made known: a word before them, or a flag by which pitch or a tone is added later. A word is marked whose source begins
 * with a capital; of the words that one stretch of source is expanded to, the first.
 */
final class CapitalWords implements ItemStream.Step {
  private final String text;
  private final TextPlaces places;
  private final CharacterNames names;
  private final Reading.Capitals capitals;
  private int lastStart = -1;
  private int lastEnd = -1;

  /**
   * Of a text.
   *
   * @param text the caller's, which spans count in.
   * @param names of the language.
   */
  CapitalWords(String text, CharacterNames names, Reading.Capitals capitals) {
    this.text = text;
    this.names = names;
    this.capitals = capitals;
    places = new TextPlaces(text);
  }

  @Override
  public void take(Item item, Queue<Item> out) {
    if (!(item instanceof Word)) {
      out.add(item);
      return;
    }
    Word word = (Word) item;
    boolean isFirst = word.spanStart != lastStart || word.spanEnd != lastEnd;
    lastStart = word.spanStart;
    lastEnd = word.spanEnd;
    int start = places.toUtf16(word.spanStart);
    int end = places.toUtf16(word.spanEnd);
    int letters = 0;
    int capitalLetters = 0;
    boolean begins = false;
    for (int i = start; isFirst && i < end; i += Character.charCount(text.codePointAt(i))) {
      int code = text.codePointAt(i);
      if (Characters.isLetter(code)) {
        boolean isUpper = Characters.isUpper(code);
        begins = letters == 0 ? isUpper : begins;
        letters++;
        capitalLetters += isUpper ? 1 : 0;
      }
    }
    if (begins) {
      announce(word, names, capitals, letters > 1 && capitalLetters == letters, out);
    } else {
      out.add(item);
    }
  }

  /**
   * Add a word with a capital, and what makes it known.
   *
   * @param whole whether the word is written in capitals.
   */
  static void announce(
      Word word, CharacterNames names, Reading.Capitals capitals, boolean whole, Collection<? super Word> out) {
    if (capitals != Reading.Capitals.SAY) {
      out.add(word.copy().capital(capitals != Reading.Capitals.NONE).build());
      return;
    }
    String said = whole ? names.capitals : names.capital;
    for (Token token : new Notation("").tokens(said, word.spanStart, word.spanEnd, "", "")) {
      if (token instanceof Word) {
        out.add((Word) token);
      }
    }
    out.add(word);
  }
}
