package io.github.voicelet.trust.consent;

import io.github.voicelet.ConsentException;
import io.github.voicelet.text.unicode.Characters;
import io.github.voicelet.text.unicode.Normalizer;

/** Texts of consent records: composed, of bounded length, and without what nobody can see. */
final class ConsentText {
  static final int MAX_CHARACTERS = 500;

  private static final int NON_JOINER = 0x200C;
  private static final int JOINER = 0x200D;
  private static final int LINE_SEPARATOR = 0x2028;
  private static final int PARAGRAPH_SEPARATOR = 0x2029;

  private ConsentText() {}

  /**
   * A text in Unicode's composed form.
   *
   * @param what names it in messages.
   * @throws ConsentException empty (unless it may be), too long, or invisible characters in it.
   */
  static String check(String what, String text, boolean mayBeEmpty) {
    if (text.length() > 4 * MAX_CHARACTERS) { // composing takes time, and no text of that length can be right
      throw tooLong(what);
    }
    String composed = Normalizer.nfc(text);
    boolean isBlank = true;
    int count = 0;
    for (int i = 0; i < composed.length(); i += Character.charCount(composed.codePointAt(i))) {
      int code = composed.codePointAt(i);
      isBlank &= Characters.isSpace(code);
      count++;
      // Zero-width joiners are part of the spelling of some scripts.
      boolean isJoiner = code == NON_JOINER || code == JOINER;
      if ((Characters.isOther(code) && !isJoiner) || code == LINE_SEPARATOR || code == PARAGRAPH_SEPARATOR) {
        throw new ConsentException(what + " of a consent holds an invisible or unassigned character");
      }
    }
    if (isBlank && !mayBeEmpty) {
      throw new ConsentException(what + " of a consent is empty; say it");
    }
    if (count > MAX_CHARACTERS) {
      throw tooLong(what);
    }
    return composed;
  }

  private static ConsentException tooLong(String what) {
    return new ConsentException(what + " of a consent is longer than " + MAX_CHARACTERS + " characters");
  }
}
