package io.github.voicelet.text.unicode;

import io.github.voicelet.text.CodePoints;
import java.util.HashMap;
import java.util.Map;

/**
 * Letters: a way from any script to a-z.
 *
 * <p>Accents are dropped, Greek and Cyrillic go letter by letter, syllabic scripts by the Unicode names of their
 * signs. Chinese characters have no such name and are left out. The table is made from Python's {@code
 * voicelet.text.letters}.
 */
public final class Latin {
  private static final int HANGUL = 0xAC00;
  private static final int HANGUL_COUNT = 11172;
  private static final int LEADS = 19;
  private static final int VOWELS = 21;
  private static final int TAILS = 28;

  private static final Map<Integer, String> LETTERS;
  private static final String[] PARTS = new String[LEADS + VOWELS + TAILS];

  static {
    UnicodeFile file = new UnicodeFile("latin.bin");
    int count = file.integer();
    LETTERS = new HashMap<>(count * 2);
    Map<String, String> known = new HashMap<>();
    int code = 0;
    for (int i = 0; i < count; i++) {
      code += file.integer();
      String letters = file.ascii(file.integer());
      String same = known.get(letters);
      known.put(letters, same == null ? letters : same);
      LETTERS.put(code, same == null ? letters : same);
    }
    for (int i = 0; i < PARTS.length; i++) {
      PARTS[i] = file.ascii(file.oneByte());
    }
  }

  private Latin() {}

  /**
   * A text in lower-case letters a-z and apostrophes; what can't be read is left out.
   *
   * @param letters letters beyond a-z that the language has itself, which are kept.
   */
  public static String toLatin(String text, String letters) {
    String lower = Case.lower(letters.isEmpty() ? text : Normalizer.nfc(text));
    StringBuilder out = new StringBuilder(lower.length());
    for (int i = 0; i < lower.length(); ) {
      int code = lower.codePointAt(i);
      i += Character.charCount(code);
      if ((code >= 'a' && code <= 'z') || code == '\'') {
        out.append((char) code);
      } else if (letters.indexOf(code) >= 0) {
        out.appendCodePoint(code);
      } else if (code == '`') {
        out.append('\'');
      } else if (code >= HANGUL && code < HANGUL + HANGUL_COUNT) {
        int syllable = code - HANGUL;
        out.append(PARTS[syllable / (VOWELS * TAILS)])
            .append(PARTS[LEADS + syllable / TAILS % VOWELS])
            .append(PARTS[LEADS + VOWELS + syllable % TAILS]);
      } else if (code > 0x7F) {
        String said = LETTERS.get(code);
        out.append(said == null ? "" : said);
      }
    }
    return out.toString();
  }

  /** As {@link #toLatin(String, String)} of one code point, with no letters but a-z. */
  public static String letter(int code) {
    return toLatin(CodePoints.string(code), "");
  }
}
