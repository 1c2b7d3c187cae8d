package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import io.github.voicelet.text.unicode.Whitespace;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Plural categories by CLDR's plural rules: "one: i = 1 and v = 0" (Unicode TS #35, part 3). */
final class Plurals {
  static final List<String> CATEGORIES = Arrays.asList("zero", "one", "two", "few", "many", "other");

  private static final int MAX_RULE_CHARS = 400;
  private static final int MAX_NUMBER_CHARS = 30;
  private static final String RANGE = "[0-9]{1,9}(?:\\.\\.[0-9]{1,9})?";
  private static final Pattern RELATION =
      Pattern.compile(
          "([nivwft])(?: ?% ?([0-9]{1,9}))? ?(!?=) ?(" + RANGE + "(?: ?, ?" + RANGE + "){0,20})");

  /** Category → alternatives, each of relations that all hold. */
  private final Map<String, List<List<Relation>>> rules = new LinkedHashMap<>();

  /**
   * Of one language.
   *
   * @param rules category → CLDR rule; "other" is what no rule takes.
   * @throws PackException a category or rule isn't CLDR's.
   */
  Plurals(Map<String, String> rules) {
    for (Map.Entry<String, String> rule : rules.entrySet()) {
      int place = CATEGORIES.indexOf(rule.getKey());
      if (place < 0 || place == CATEGORIES.size() - 1) {
        String known = Whitespace.join(", ", CATEGORIES.subList(0, CATEGORIES.size() - 1));
        throw new PackException("plurals: there is no category '" + rule.getKey() + "'; they are " + known);
      }
      this.rules.put(rule.getKey(), condition(rule.getValue(), "plurals." + rule.getKey()));
    }
  }

  private static List<List<Relation>> condition(String rule, String where) {
    if (rule.codePointCount(0, rule.length()) > MAX_RULE_CHARS) {
      throw new PackException(where + ": longer than " + MAX_RULE_CHARS + " characters");
    }
    List<List<Relation>> alternatives = new ArrayList<>();
    for (String part : rule.split(" or ", -1)) {
      List<Relation> relations = new ArrayList<>();
      for (String relation : part.split(" and ", -1)) {
        relations.add(new Relation(relation.trim(), where));
      }
      alternatives.add(relations);
    }
    return alternatives;
  }

  /** The category of a plain number in digits, with "." before its decimals. */
  String category(String number) {
    Operands operands = Operands.of(number);
    if (operands != null) {
      for (Map.Entry<String, List<List<Relation>>> rule : rules.entrySet()) {
        for (List<Relation> relations : rule.getValue()) {
          if (hold(relations, operands)) {
            return rule.getKey();
          }
        }
      }
    }
    return "other";
  }

  private static boolean hold(List<Relation> relations, Operands operands) {
    for (Relation relation : relations) {
      if (!relation.holds(operands)) {
        return false;
      }
    }
    return true;
  }

  /** CLDR's operands of a number. */
  private static final class Operands {
    final String whole;
    final String decimals;
    final String significant;

    private Operands(String whole, String decimals) {
      this.whole = whole;
      this.decimals = decimals;
      int end = decimals.length();
      while (end > 0 && decimals.charAt(end - 1) == '0') {
        end--;
      }
      significant = decimals.substring(0, end);
    }

    /** Of "1", "1.50"; null for anything else. */
    static Operands of(String number) {
      int dot = number.indexOf('.');
      String whole = dot < 0 ? number : number.substring(0, dot);
      String decimals = dot < 0 ? "" : number.substring(dot + 1);
      boolean right = areDigits(whole) && (dot < 0 || areDigits(decimals));
      return right ? new Operands(whole, decimals) : null;
    }

    private static boolean areDigits(String text) {
      for (int i = 0; i < text.length(); i++) {
        if (text.charAt(i) < '0' || text.charAt(i) > '9') {
          return false;
        }
      }
      return !text.isEmpty() && text.length() <= MAX_NUMBER_CHARS;
    }

    /** A whole operand. */
    BigInteger of(char operand) {
      switch (operand) {
        case 'v':
          return BigInteger.valueOf(decimals.length());
        case 'w':
          return BigInteger.valueOf(significant.length());
        case 'f':
          return new BigInteger(decimals.isEmpty() ? "0" : decimals);
        case 't':
          return new BigInteger(significant.isEmpty() ? "0" : significant);
        default:
          return new BigInteger(whole);
      }
    }
  }

  /** One relation: {@code OPERAND [% N] = | != N, N..M}. */
  private static final class Relation {
    final char operand;
    final int modulus;
    final boolean equal;
    final long[] bounds;

    Relation(String text, String where) {
      Matcher match = RELATION.matcher(text);
      if (!match.matches()) {
        throw new PackException(where + ": '" + text + "' is no relation such as 'i % 10 = 2..4'");
      }
      operand = match.group(1).charAt(0);
      modulus = match.group(2) == null ? 0 : Integer.parseInt(match.group(2));
      equal = match.group(3).equals("=");
      String[] parts = match.group(4).split(",");
      bounds = new long[2 * parts.length];
      for (int i = 0; i < parts.length; i++) {
        String part = parts[i].trim();
        int dots = part.indexOf("..");
        bounds[2 * i] = Long.parseLong(dots < 0 ? part : part.substring(0, dots));
        bounds[2 * i + 1] = Long.parseLong(dots < 0 ? part : part.substring(dots + 2));
      }
    }

    boolean holds(Operands operands) {
      if (operand == 'n' && !operands.significant.isEmpty()) {
        double value = Double.parseDouble(operands.whole + "." + operands.decimals);
        value = modulus > 0 ? value % modulus : value;
        return (value == Math.floor(value) && isInside(value)) == equal;
      }
      BigInteger value = operands.of(operand);
      value = modulus > 0 ? value.mod(BigInteger.valueOf(modulus)) : value;
      return isInside(value.bitLength() < 63 ? value.longValue() : Long.MAX_VALUE) == equal;
    }

    private boolean isInside(double value) {
      for (int i = 0; i < bounds.length; i += 2) {
        if (bounds[i] <= value && value <= bounds[i + 1]) {
          return true;
        }
      }
      return false;
    }
  }
}
