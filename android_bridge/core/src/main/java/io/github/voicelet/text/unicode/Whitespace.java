package io.github.voicelet.text.unicode;

import java.util.ArrayList;
import java.util.List;

/** Words and lines of a text, as Python's {@code str} parts them. */
public final class Whitespace {
  private Whitespace() {}

  /** The words of a text, parted by any white space. */
  public static List<String> words(String text) {
    List<String> words = new ArrayList<>();
    int start = -1;
    for (int i = 0; i < text.length(); ) {
      int code = text.codePointAt(i);
      if (Characters.isSpace(code)) {
        if (start >= 0) {
          words.add(text.substring(start, i));
        }
        start = -1;
      } else if (start < 0) {
        start = i;
      }
      i += Character.charCount(code);
    }
    if (start >= 0) {
      words.add(text.substring(start));
    }
    return words;
  }

  /** The lines of a text, without what ends them. */
  public static List<String> lines(String text) {
    List<String> lines = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (isLineBreak(c)) {
        lines.add(text.substring(start, i));
        if (c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n') {
          i++;
        }
        start = i + 1;
      }
    }
    if (start < text.length()) {
      lines.add(text.substring(start));
    }
    return lines;
  }

  private static boolean isLineBreak(char c) {
    return (c >= '\n' && c <= '\r') || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
  }

  /** Without white space at both ends. */
  public static String strip(String text) {
    int start = 0;
    while (start < text.length() && Characters.isSpace(text.codePointAt(start))) {
      start += Character.charCount(text.codePointAt(start));
    }
    int end = text.length();
    while (end > start && Characters.isSpace(text.codePointBefore(end))) {
      end -= Character.charCount(text.codePointBefore(end));
    }
    return text.substring(start, end);
  }

  /** Whether there is nothing but white space. */
  public static boolean isBlank(String text) {
    return strip(text).isEmpty();
  }

  /** Texts with another one between each two. */
  public static String join(String between, Iterable<String> texts) {
    StringBuilder out = new StringBuilder(); // String.join came to Android with API 26
    boolean first = true;
    for (String text : texts) {
      out.append(first ? "" : between).append(text);
      first = false;
    }
    return out.toString();
  }
}
