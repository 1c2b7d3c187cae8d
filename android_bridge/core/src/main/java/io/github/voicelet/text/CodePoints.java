package io.github.voicelet.text;

/**
 * Strings counted in Unicode code points, as every place of a text is counted inside voicelet.
 *
 * <p>Java counts UTF-16 units, of which a code point beyond U+FFFF has two. An app's own places are converted once,
 * at the border.
 */
public final class CodePoints {
  private CodePoints() {}

  /** How many code points a string has. */
  public static int count(String text) {
    return text.codePointCount(0, text.length());
  }

  /** The UTF-16 index of a code point; the end of the string where it has fewer. */
  public static int toUtf16(String text, int codePoint) {
    int at = 0;
    int length = text.length();
    for (int left = codePoint; left > 0 && at < length; left--) {
      at += Character.charCount(text.codePointAt(at));
    }
    return at;
  }

  /** The code point at a UTF-16 index: how many begin before it. */
  public static int fromUtf16(String text, int index) {
    return text.codePointCount(0, Math.min(index, text.length()));
  }

  /**
   * The UTF-16 indices of many code points of one text, found in one pass.
   *
   * @param codePoints ascending or not; each from 0 to the number of code points.
   */
  public static int[] toUtf16(String text, int[] codePoints) {
    int[] found = new int[codePoints.length];
    int at = 0;
    int passed = 0;
    for (int i = 0; i < codePoints.length; i++) {
      if (codePoints[i] < passed) {
        at = 0;
        passed = 0;
      }
      while (passed < codePoints[i] && at < text.length()) {
        at += Character.charCount(text.codePointAt(at));
        passed++;
      }
      found[i] = at;
    }
    return found;
  }

  /** The code points of a string. */
  public static int[] of(String text) {
    int[] codes = new int[count(text)];
    int at = 0;
    for (int i = 0; i < codes.length; i++) {
      codes[i] = text.codePointAt(at);
      at += Character.charCount(codes[i]);
    }
    return codes;
  }

  /** A string of one code point. */
  public static String string(int codePoint) {
    return new String(Character.toChars(codePoint));
  }

  /** The first code points of a string, at most so many. */
  public static String first(String text, int count) {
    return text.length() <= count ? text : text.substring(0, toUtf16(text, count));
  }

  /** The last code points of a string, at most so many. */
  public static String last(String text, int count) {
    return text.substring(back(text, text.length(), count));
  }

  /** The UTF-16 index so many code points before another one; 0 where there are fewer. */
  public static int back(String text, int from, int count) {
    int at = from;
    for (int left = count; left > 0 && at > 0; left--) {
      at -= Character.charCount(text.codePointBefore(at));
    }
    return at;
  }

  /** The UTF-16 index so many code points after another one; the end where there are fewer. */
  public static int forward(String text, int from, int count) {
    int at = from;
    for (int left = count; left > 0 && at < text.length(); left--) {
      at += Character.charCount(text.codePointAt(at));
    }
    return at;
  }

  /** Order by code points, in which UTF-16 units differ beyond U+FFFF. */
  public static int compare(String first, String second) {
    int at = 0;
    while (at < first.length() && at < second.length()) {
      int a = first.codePointAt(at);
      int b = second.codePointAt(at);
      if (a != b) {
        return a < b ? -1 : 1;
      }
      at += Character.charCount(a);
    }
    return Integer.compare(first.length(), second.length());
  }
}
