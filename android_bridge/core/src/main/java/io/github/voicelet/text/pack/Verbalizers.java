package io.github.voicelet.text.pack;

import io.github.voicelet.text.CodePoints;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Characters;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * How digits are said with a pack's words.
 *
 * <p>It knows no language: number words come from numbers.rbnf.
 */
final class Verbalizers {
  /** Gives the number rules when the first number needs them. */
  interface Numbers {
    NumberRules rules();
  }

  private static final int CACHED = 4096;
  private static final int DECIMALS_BETWEEN_BREATHS = 10;

  private final NumberConfig numbers;
  private final String decimal;
  private final String grouping;
  private final Numbers rules;
  private final Plurals plurals;
  private final Map<String, String> said = new ConcurrentHashMap<>();

  Verbalizers(PackConfig config, Numbers rules) {
    this.numbers = config.numbers;
    this.decimal = config.decimal;
    this.grouping = config.grouping;
    this.rules = rules;
    this.plurals = new Plurals(config.plurals);
  }

  NumberRules rules() {
    return rules.rules();
  }

  /** Digits of other scripts as 0-9; only tables can bring them here. */
  static String ascii(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) > 0x7F) {
        StringBuilder out = new StringBuilder(text.length());
        for (int code : CodePoints.of(text)) {
          out.appendCodePoint(Characters.isDecimal(code) ? '0' + Characters.decimalValue(code) : code);
        }
        return out.toString();
      }
    }
    return text;
  }

  /** Digits without grouping, with "." before decimals. */
  String plain(String written) {
    String text = ascii(written);
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); ) {
      int code = text.codePointAt(i);
      if (grouping.indexOf(code) < 0) {
        out.appendCodePoint(decimal.codePointAt(0) == code ? '.' : code);
      }
      i += Character.charCount(code);
    }
    return out.toString();
  }

  /** CLDR category of a written number. */
  String plural(String text) {
    return plurals.category(plain(text));
  }

  /** The rule set for a value of the column {@code gender}: what it names, or itself. */
  String genderRules(String gender) {
    String named = numbers.genders.get(gender);
    named = named == null ? gender : named;
    return named.isEmpty() ? numbers.cardinal : named;
  }

  /** Whether there is a character, and all are digits 0-9. */
  static boolean areDigits(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (!isDigit(text.charAt(i))) {
        return false;
      }
    }
    return !text.isEmpty();
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static String withoutZeros(String digits) {
    int at = 0;
    while (at < digits.length() && digits.charAt(at) == '0') {
      at++;
    }
    return digits.substring(at);
  }

  String whole(String text) {
    return whole(text, "");
  }

  /** A whole number in digits; digit by digit where it is too long to name. */
  String whole(String text, String set) {
    String key = set + " " + text;
    String known = said.get(key);
    if (known == null) {
      String digits = withoutZeros(text);
      digits = digits.isEmpty() ? "0" : digits;
      if (digits.length() > numbers.maxDigits) {
        return digits(digits, 0);
      }
      known = rules().spell(digits, set.isEmpty() ? numbers.cardinal : set).replace('-', ' ');
      if (said.size() >= CACHED) {
        said.clear();
      }
      said.put(key, known);
    }
    return known;
  }

  /** A written number by a rule set; its decimals, if any, after {@code decimal_word}. */
  String spell(String text, String set) {
    boolean negative = text.startsWith("-") || text.startsWith("−");
    String plain = plain(negative ? text.substring(1) : text);
    int dot = plain.indexOf('.');
    String whole = dot < 0 ? plain : plain.substring(0, dot);
    String decimals = dot < 0 ? "" : plain.substring(dot + 1);
    if (!areDigits(whole) || (!decimals.isEmpty() && !areDigits(decimals))) {
      return "";
    }
    String words;
    if (negative && whole.length() <= numbers.maxDigits) {
      words = rules().spell("-" + whole, set).replace('-', ' ');
    } else {
      words = whole(whole, set);
    }
    return dot < 0 ? words : words + afterPoint(decimals);
  }

  /**
   * A written number: "1,234.50", "007", ".5".
   *
   * <p>Leading zeros, and more digits without grouping than {@code max_plain_digits}, mean an identifier: digit by
   * digit.
   */
  String number(String text, String set) {
    boolean grouped = false;
    for (int i = 0; i < text.length() && !grouped; i++) {
      grouped = grouping.indexOf(text.codePointAt(i)) >= 0;
    }
    String plain = plain(text);
    int dot = plain.indexOf('.');
    String whole = dot < 0 ? plain : plain.substring(0, dot);
    String decimals = dot < 0 ? "" : plain.substring(dot + 1);
    if (!areDigits(whole + decimals)) {
      return "";
    }
    String words;
    if (whole.isEmpty()) {
      words = "";
    } else if (!grouped
        && ((whole.charAt(0) == '0' && whole.length() > 1) || whole.length() > numbers.maxPlainDigits)) {
      words = digits(whole, 0);
    } else {
      words = whole(whole, set);
    }
    return dot < 0 ? words : stripped(words + afterPoint(decimals));
  }

  private static String stripped(String text) {
    return Whitespace.strip(text);
  }

  private String afterPoint(String decimals) {
    if (decimals.isEmpty()) {
      return "";
    }
    String words =
        decimals.length() > numbers.decimalsAsNumber
            ? digits(decimals, DECIMALS_BETWEEN_BREATHS)
            : withZeros(decimals, "");
    return " " + numbers.decimalWord + " " + words;
  }

  /** Leading zeros one by one, the rest as a number. */
  private String withZeros(String digits, String set) {
    String rest = withoutZeros(digits);
    List<String> words = new ArrayList<>();
    for (int i = rest.length(); i < digits.length(); i++) {
      words.add(whole("0"));
    }
    if (!rest.isEmpty()) {
      words.add(whole(rest, set));
    }
    return Whitespace.join(" ", words);
  }

  /**
   * Digit by digit, with a comma between groups so that there is somewhere to breathe.
   *
   * @param size digits of a group; 0 for the pack's.
   */
  String digits(String text, int size) {
    int group = size == 0 ? numbers.group : size;
    List<String> words = new ArrayList<>();
    for (int i = 0; i < text.length(); i++) {
      if (isDigit(text.charAt(i))) {
        words.add(whole(text.substring(i, i + 1)));
      }
    }
    if (words.size() <= group + 2) {
      return Whitespace.join(" ", words);
    }
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < words.size(); i++) {
      out.append(i == 0 ? "" : i % group == 0 ? " , " : " ").append(words.get(i));
    }
    return out.toString();
  }

  /** Room and flight numbers: "1408" as a year, "215" as 2 and 15; others digit by digit. */
  String pairs(String written) {
    String text = ascii(written);
    if (!areDigits(text)) {
      return number(written, ""); // "1.5", "1,408"
    }
    if (text.length() == 4 && text.charAt(0) != '0' && !text.endsWith("000")) {
      return year(text);
    }
    if (text.length() == 3 && text.charAt(1) != '0' && text.charAt(0) != '0') {
      return whole(text.substring(0, 1)) + " " + whole(text.substring(1));
    }
    return digits(text, 0);
  }

  /** A year by its rule set; a plain number outside 1 to 9999. */
  String year(String written) {
    String text = ascii(written);
    if (!areDigits(text)) {
      return "";
    }
    int length = withoutZeros(text).length();
    boolean named = length >= 1 && length <= 4 && rules().has(numbers.year);
    return whole(text, named ? numbers.year : "");
  }

  /**
   * A telephone number: groups parted by commas, each digit by digit or by a rule set.
   *
   * @param plus the name of "+".
   */
  String grouped(String text, String set, String plus) {
    List<String> groups = runs(text);
    List<String> words = new ArrayList<>();
    for (int i = 0; i < groups.size(); i++) {
      String group = groups.get(i);
      // "1-800" is said "one eight hundred".
      if (numbers.wholeGroups.contains(group) && i <= 1 && groups.size() > 2) {
        words.add(whole(group));
      } else if (!set.isEmpty()) {
        words.add(withZeros(group, set));
      } else {
        StringBuilder digits = new StringBuilder();
        for (int j = 0; j < group.length(); j++) {
          digits.append(j == 0 ? "" : " ").append(whole(group.substring(j, j + 1)));
        }
        words.add(digits.toString());
      }
    }
    String sign = stripped(text).startsWith("+") ? plus + " " : "";
    return sign + Whitespace.join(" , ", words);
  }

  /** Every run of digits as a number, with a joint between two: "1.2.15". */
  String numbers(String text, String joint) {
    List<String> words = new ArrayList<>();
    for (String run : runs(text)) {
      words.add(number(run, ""));
    }
    return Whitespace.join(joint, words);
  }

  private static List<String> runs(String text) {
    List<String> runs = new ArrayList<>();
    for (int i = 0; i < text.length(); i++) {
      int start = i;
      while (i < text.length() && isDigit(text.charAt(i))) {
        i++;
      }
      if (i > start) {
        runs.add(text.substring(start, i));
      }
    }
    return runs;
  }

  /** The letters of a text as one word to be spelled; "" for none. */
  static String spelled(String text) {
    return text.isEmpty() ? "" : "^" + Case.upper(text);
  }

  /** As {@link #spelled} of the first code point. */
  static String lead(String text) {
    return spelled(CodePoints.first(text, 1));
  }
}
