package io.github.voicelet.synth;

import io.github.voicelet.PhoneException;
import java.util.HashMap;
import java.util.Map;

/** The symbols of a voice, one char each, and those with a meaning of their own. */
final class Phones {
  /** Index 0: the silent token that opens and closes every sequence. */
  static final char PAD = '_';

  static final String VOWELS = "AIOWYaeiuæɑɐɔəɚɛɜɪʊʌᵊᵻ";
  static final String STRESS = "ˈˌ";
  static final String PUNCTUATION = " .,?!;:\"()…—";

  private final String symbols;
  private final Map<Character, Integer> index = new HashMap<>();

  Phones(String symbols) {
    this.symbols = symbols;
    for (int i = 0; i < symbols.length(); i++) {
      index.put(symbols.charAt(i), i);
    }
  }

  static boolean isPunctuation(char symbol) {
    return PUNCTUATION.indexOf(symbol) >= 0;
  }

  static boolean isStress(char symbol) {
    return STRESS.indexOf(symbol) >= 0;
  }

  /**
   * Indices of symbols, with the pad at both ends.
   *
   * @throws PhoneException a symbol isn't one of the voice's.
   */
  long[] encode(String phones) {
    long[] out = new long[phones.length() + 2];
    for (int i = 0; i < phones.length(); i++) {
      Integer at = index.get(phones.charAt(i));
      if (at == null) {
        throw new PhoneException(
            "'" + phones.charAt(i) + "' is not a phone of this voice; it knows " + symbols.substring(1));
      }
      out[i + 1] = at;
    }
    return out;
  }

  /** The sounds of a clause's first word, without its stress and the marks before it. */
  static String firstWord(String phones) {
    int start = 0;
    while (start < phones.length() && (isStress(phones.charAt(start)) || isPunctuation(phones.charAt(start)))) {
      start++;
    }
    StringBuilder word = new StringBuilder();
    for (int i = start; i < phones.length() && !isPunctuation(phones.charAt(i)); i++) {
      if (!isStress(phones.charAt(i))) {
        word.append(phones.charAt(i));
      }
    }
    return word.toString();
  }
}
