package io.github.voicelet.text.pack;

/** Roman numerals in capitals up to 3999. */
final class RomanNumerals {
  private static final String[] TENS = {"", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX", "XC"};
  private static final int MAX_CHARS = 15;

  private RomanNumerals() {}

  /** The value of a well-formed numeral; 0 for anything else. */
  static int value(String text) {
    if (text.isEmpty() || text.length() > MAX_CHARS) {
      return 0;
    }
    int value = 0;
    for (int i = 0; i < text.length(); i++) {
      int digit = digit(text.charAt(i));
      int next = i + 1 < text.length() ? digit(text.charAt(i + 1)) : 0;
      if (digit == 0) {
        return 0;
      }
      value += digit < next ? -digit : digit;
    }
    // Only the one way of writing it is well-formed.
    return value > 0 && value < 4000 && text.equals(written(value)) ? value : 0;
  }

  private static int digit(char c) {
    switch (c) {
      case 'I':
        return 1;
      case 'V':
        return 5;
      case 'X':
        return 10;
      case 'L':
        return 50;
      case 'C':
        return 100;
      case 'D':
        return 500;
      case 'M':
        return 1000;
      default:
        return 0;
    }
  }

  private static String written(int value) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < value / 1000; i++) {
      out.append('M');
    }
    out.append(place(value / 100 % 10, "CDM")).append(TENS[value / 10 % 10]).append(place(value % 10, "IVX"));
    return out.toString();
  }

  private static String place(int digit, String signs) {
    StringBuilder out = new StringBuilder();
    for (char c : TENS[digit].toCharArray()) {
      out.append(signs.charAt("XLC".indexOf(c)));
    }
    return out.toString();
  }
}
