package io.github.voicelet.text;

import io.github.voicelet.text.pack.Alphabet;
import io.github.voicelet.text.unicode.Characters;

/** What stands at a place of a clean text, whatever the language: each method gives where it ends, or -1. */
final class Shapes {
  private static final int MAX_WORD = 40;
  private static final int MAX_PART = 20;
  private static final int MAX_PARTS = 3;
  private static final int MAX_PHONES = 400;
  private static final int MAX_HOST = 81;
  private static final int MAX_LOCAL = 80;

  private Shapes() {}

  /** A letter as a word may have it: not a digit, fraction or power. */
  private static boolean isWordLetter(int code) {
    if (code <= 0x7F) {
      return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
    }
    boolean power = code == '²' || code == '³' || code == '¹' || (code >= 0x2070 && code <= 0x2079);
    boolean fraction = (code >= 0xBC && code <= 0xBE) || (code >= 0x2150 && code <= 0x215E);
    return !power && !fraction && Characters.isLetterOrNumber(code) && !Characters.isDecimal(code);
  }

  private static int letters(String text, int from, int most) {
    int at = from;
    for (int i = 0; i < most && at < text.length() && isWordLetter(text.codePointAt(at)); i++) {
      at += Character.charCount(text.codePointAt(at));
    }
    return at;
  }

  /** Up to 40 letters with up to three parts of 20 after apostrophes. */
  static int word(String text, int at) {
    int end = letters(text, at, MAX_WORD);
    if (end == at) {
      return -1;
    }
    for (int i = 0; i < MAX_PARTS && text.startsWith("'", end); i++) {
      int next = letters(text, end + 1, MAX_PART);
      if (next == end + 1) {
        break;
      }
      end = next;
    }
    return end;
  }

  /**
   * A plain word: 2 to 40 lower-case letters before a blank or the like, which no rule changes.
   *
   * @param apostrophes whether it may have an ending of up to three letters after an apostrophe.
   */
  static int plainWord(String text, int at, Alphabet alphabet, boolean apostrophes) {
    int end = at;
    int count = 0;
    while (count < MAX_WORD && end < text.length() && alphabet.isLower(text.codePointAt(end))) {
      end += Character.charCount(text.codePointAt(end));
      count++;
    }
    if (count < 2) {
      return -1;
    }
    if (apostrophes && text.startsWith("'", end)) {
      int part = end + 1;
      for (int i = 0; i < 3 && part < text.length() && alphabet.isLower(text.codePointAt(part)); i++) {
        part += Character.charCount(text.codePointAt(part));
      }
      if (part == end + 1) {
        return -1;
      }
      end = part;
    }
    if (end >= text.length()) {
      return -1;
    }
    char after = text.charAt(end);
    if (after == ' ' || after == ',' || after == '\n') {
      return end;
    }
    boolean closes = ";:?!)\"".indexOf(after) >= 0;
    boolean free = end + 1 == text.length() || text.charAt(end + 1) == ' ' || text.charAt(end + 1) == '\n';
    return closes && free ? end : -1;
  }

  /** Whether an address may begin here. */
  static boolean isAddress(String text, int at) {
    int end = at;
    for (int i = 0; i < MAX_HOST && end < text.length(); i++) {
      int code = text.codePointAt(end);
      if ("@./:".indexOf(code) >= 0 || Characters.isSpace(code)) {
        break;
      }
      end += Character.charCount(code);
    }
    if (end > at && end < text.length()) {
      boolean found = text.charAt(end) == '@' || text.startsWith("://", end) || text.startsWith(".-", end);
      if (found || (text.charAt(end) == '.' && end + 1 < text.length() && isWordPart(text.codePointAt(end + 1)))) {
        return true;
      }
    }
    end = at;
    for (int i = 0; i < MAX_LOCAL && end < text.length(); i++) {
      int code = text.codePointAt(end);
      if (code != '.' && code != '-' && !isWordPart(code)) {
        break;
      }
      end += Character.charCount(code);
    }
    return end > at && text.startsWith("@", end);
  }

  private static boolean isWordPart(int code) {
    return code == '_' || Characters.isLetterOrNumber(code);
  }

  /** {@code [[…]]} with 1 to 400 characters inside. */
  static int phones(String text, int at) {
    if (!text.startsWith("[[", at)) {
      return -1;
    }
    int end = at + 2;
    int count = 0;
    while (end < text.length() && "[]\n".indexOf(text.charAt(end)) < 0) {
      end += Character.charCount(text.codePointAt(end));
      count++;
    }
    return count >= 1 && count <= MAX_PHONES && text.startsWith("]]", end) ? end + 2 : -1;
  }

  /** What a list begins its lines with, and a blank. */
  static int bullet(String text, int at) {
    int end = at;
    while (end < text.length() && end < at + 6 && text.charAt(end) == '#') {
      end++;
    }
    if (end == at && at < text.length() && "-*+•–".indexOf(text.charAt(at)) >= 0) {
      end++;
    }
    return end > at && text.startsWith(" ", end) ? end + 1 : -1;
  }

  /** A run of one kind of marks. */
  static int marks(String text, int at) {
    char c = text.charAt(at);
    switch (c) {
      case '.':
        return run(text, at, ".");
      case '…':
        return run(text, at, "…");
      case '?':
      case '!':
      case '‽':
        return run(text, at, "?!‽");
      case '—':
        return run(text, at, "—");
      case '-':
        int end = run(text, at, "-");
        return end > at + 1 ? end : spacedDash(text, at);
      case '–':
        return spacedDash(text, at);
      default:
        return ",;:()\"[]{}|".indexOf(c) >= 0 ? at + 1 : -1;
    }
  }

  /** A dash and the one blank behind it. */
  private static int spacedDash(String text, int at) {
    return text.startsWith(" ", at + 1) && !text.startsWith(" ", at + 2) ? at + 2 : -1;
  }

  private static int run(String text, int at, String characters) {
    int end = at;
    while (end < text.length() && characters.indexOf(text.charAt(end)) >= 0) {
      end++;
    }
    return end;
  }
}
