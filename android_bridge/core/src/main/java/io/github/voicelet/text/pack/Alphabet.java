package io.github.voicelet.text.pack;

import io.github.voicelet.text.CodePoints;
import io.github.voicelet.text.unicode.Case;

/** The letters of a language: a-z and those beyond. */
public final class Alphabet {
  /** a-z and nothing else. */
  public static final Alphabet ENGLISH = new Alphabet("");

  /** In lower case. */
  private final String beyond;

  private final String beyondUpper;

  /**
   * Of one language.
   *
   * @param letters lower-case letters beyond a-z.
   */
  public Alphabet(String letters) {
    beyond = letters;
    StringBuilder upper = new StringBuilder();
    for (int code : CodePoints.of(letters)) {
      String capital = Case.upper(CodePoints.string(code));
      upper.append(CodePoints.count(capital) == 1 ? capital : "");
    }
    beyondUpper = upper.toString();
  }

  /** Whether it is a lower-case letter. */
  public boolean isLower(int code) {
    return code <= 0x7F ? code >= 'a' && code <= 'z' : beyond.indexOf(code) >= 0;
  }

  /** Whether it is a capital, or with {@code orLower} any letter. */
  public boolean has(int code, boolean orLower) {
    boolean upper = code <= 0x7F ? code >= 'A' && code <= 'Z' : beyondUpper.indexOf(code) >= 0;
    return upper || (orLower && isLower(code));
  }
}
