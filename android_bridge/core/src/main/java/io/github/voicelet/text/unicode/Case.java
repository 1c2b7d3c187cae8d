package io.github.voicelet.text.unicode;

import java.util.HashMap;
import java.util.Map;

/** Upper and lower case, of Unicode 14 and of no language in particular, as Python's {@code str} has them. */
public final class Case {
  private static final int CAPITAL_SIGMA = 0x3A3;
  private static final int FINAL_SIGMA = 0x3C2;

  private static final Map<Integer, int[]> LOWER;
  private static final Map<Integer, int[]> UPPER;

  /** Capitals at the start of a word, where they aren't the upper case (of "ǆ", "ß"). */
  private static final Map<Integer, int[]> TITLE;

  static {
    UnicodeFile file = new UnicodeFile("cases.bin");
    LOWER = mapping(file);
    UPPER = mapping(file);
    TITLE = mapping(file);
  }

  private Case() {}

  private static Map<Integer, int[]> mapping(UnicodeFile file) {
    int count = file.integer();
    Map<Integer, int[]> becomes = new HashMap<>(count * 2);
    int code = 0;
    for (int i = 0; i < count; i++) {
      code += file.integer();
      becomes.put(code, file.codes());
    }
    return becomes;
  }

  /** The text in lower case. */
  public static String lower(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c > 0x7F) {
        return mapped(text, LOWER);
      }
      if (c >= 'A' && c <= 'Z') {
        return lowerFrom(text, i);
      }
    }
    return text;
  }

  private static String lowerFrom(String text, int first) {
    char[] chars = text.toCharArray();
    for (int i = first; i < chars.length; i++) {
      if (chars[i] > 0x7F) {
        return mapped(text, LOWER);
      }
      if (chars[i] >= 'A' && chars[i] <= 'Z') {
        chars[i] += 'a' - 'A';
      }
    }
    return new String(chars);
  }

  /** The text in upper case. */
  public static String upper(String text) {
    return mapped(text, UPPER);
  }

  /** The first code point in upper case (title case where a letter has one), the others in lower case. */
  public static String capital(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int end = Character.charCount(text.codePointAt(0));
    String first = text.substring(0, end);
    // A final sigma is told by what stands before it, so the whole is made lower first.
    String lower = mapped(text, LOWER);
    int[] title = TITLE.get(text.codePointAt(0));
    String capital = title == null ? upper(first) : new String(title, 0, title.length);
    return capital + lower.substring(lower(first).length());
  }

  private static String mapped(String text, Map<Integer, int[]> becomes) {
    StringBuilder out = new StringBuilder(text.length() + 4);
    for (int i = 0; i < text.length(); ) {
      int code = text.codePointAt(i);
      int[] to = becomes.get(code);
      if (code == CAPITAL_SIGMA && becomes == LOWER && isFinal(text, i)) {
        out.appendCodePoint(FINAL_SIGMA);
      } else if (to == null) {
        out.appendCodePoint(code);
      } else {
        for (int c : to) {
          out.appendCodePoint(c);
        }
      }
      i += Character.charCount(code);
    }
    return out.toString();
  }

  /** Whether a sigma ends a word: letters before it, none after it, marks and apostrophes aside. */
  private static boolean isFinal(String text, int at) {
    int i = at;
    while (i > 0 && Characters.isCaseIgnorable(text.codePointBefore(i))) {
      i -= Character.charCount(text.codePointBefore(i));
    }
    if (i == 0 || !Characters.isCased(text.codePointBefore(i))) {
      return false;
    }
    i = at + 1;
    while (i < text.length() && Characters.isCaseIgnorable(text.codePointAt(i))) {
      i += Character.charCount(text.codePointAt(i));
    }
    return i == text.length() || !Characters.isCased(text.codePointAt(i));
  }

  /** Whether there is a letter with case, and all of them are upper. */
  public static boolean isUpper(String text) {
    boolean found = false;
    for (int i = 0; i < text.length(); ) {
      int code = text.codePointAt(i);
      if (Characters.isLower(code) || Characters.isTitle(code)) {
        return false;
      }
      found |= Characters.isUpper(code);
      i += Character.charCount(code);
    }
    return found;
  }

  /** Whether there is a letter with case, and all of them are lower. */
  public static boolean isLower(String text) {
    boolean found = false;
    for (int i = 0; i < text.length(); ) {
      int code = text.codePointAt(i);
      if (Characters.isUpper(code) || Characters.isTitle(code)) {
        return false;
      }
      found |= Characters.isLower(code);
      i += Character.charCount(code);
    }
    return found;
  }
}
