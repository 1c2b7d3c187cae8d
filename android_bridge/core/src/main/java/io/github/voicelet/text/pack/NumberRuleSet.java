package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import io.github.voicelet.text.CodePoints;
import io.github.voicelet.text.pack.NumberRule.Piece;
import io.github.voicelet.text.unicode.Whitespace;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A set of number rules, and how ICU writes them. */
final class NumberRuleSet {
  private static final int MAX_RULES = 5000;
  private static final int MAX_LINE_CHARS = 1000;
  private static final int MAX_BASE_DIGITS = 19;
  private static final int MAX_RADIX_DIGITS = 9;
  private static final int MAX_LESS = 3;
  private static final BigInteger MAX_LONG = BigInteger.valueOf(Long.MAX_VALUE);
  private static final List<String> SPECIAL =
      Arrays.asList("-x", "x.x", "x,x", "0.x", "0,x", "x.0", "x,0", "Inf", "NaN");

  /** By rising base. */
  final List<NumberRule> rules = new ArrayList<>();

  /** "-x", "x.x" … → body. */
  final Map<String, List<Piece>> special = new HashMap<>();

  private BigInteger lastBase;

  /** The place of the rule with the highest base that isn't above a number; -1 for none. */
  int place(long number) {
    int low = 0;
    int high = rules.size() - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      if (rules.get(middle).base <= number) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return high;
  }

  /** All pieces of all rules. */
  List<Piece> pieces() {
    List<Piece> all = new ArrayList<>();
    for (NumberRule rule : rules) {
      all.addAll(rule.full);
      if (rule.shortened != null) {
        all.addAll(rule.shortened);
      }
    }
    for (List<Piece> body : special.values()) {
      all.addAll(body);
    }
    return all;
  }

  /**
   * Read the sets of several texts; one of a later text replaces one of the same name.
   *
   * @throws PackException a line can't be read.
   */
  static Map<String, NumberRuleSet> parse(List<String> texts) {
    Map<String, NumberRuleSet> all = new LinkedHashMap<>();
    for (String text : texts) {
      all.putAll(parse(text));
    }
    return all;
  }

  private static Map<String, NumberRuleSet> parse(String text) {
    Map<String, NumberRuleSet> sets = new LinkedHashMap<>();
    NumberRuleSet current = null;
    int lines = 0;
    int number = 0;
    for (String raw : Whitespace.lines(text.replace("\u00ad", ""))) {
      number++;
      String line = Whitespace.strip(raw);
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      String where = "numbers.rbnf, line " + number;
      if (CodePoints.count(line) > MAX_LINE_CHARS) {
        throw new PackException(where + ": longer than " + MAX_LINE_CHARS + " characters");
      }
      if (++lines > MAX_RULES) {
        throw new PackException(where + ": more than " + MAX_RULES + " lines; keep the sets that are used");
      }
      if (line.startsWith("%") && line.endsWith(":")) {
        String name = line.substring(0, line.length() - 1);
        current = sets.get(name);
        if (current == null) {
          current = new NumberRuleSet();
          sets.put(name, current);
        }
        continue;
      }
      int colon = line.indexOf(':');
      if (current == null || colon < 0) {
        throw new PackException(
            where + ": write a set as '%name:', and its rules as '20: twenty[->>];'");
      }
      current.add(line.substring(0, colon), body(line.substring(colon + 1)), where);
    }
    return sets;
  }

  private static String body(String text) {
    String body = Whitespace.strip(text);
    if (body.endsWith(";")) {
      body = body.substring(0, body.length() - 1);
    }
    return body.startsWith("'") ? body.substring(1) : body; // it protects the blank that follows
  }

  private void add(String descriptor, String body, String where) {
    if (SPECIAL.contains(descriptor)) {
      special.put(descriptor, NumberRule.pieces(body.replace("[", "").replace("]", ""), where));
      return;
    }
    String text = Whitespace.strip(descriptor);
    int baseEnd = digits(text, 0, MAX_BASE_DIGITS);
    int radixEnd = baseEnd;
    if (text.startsWith("/", baseEnd)) {
      radixEnd = digits(text, baseEnd + 1, MAX_RADIX_DIGITS);
    }
    int less = text.length() - radixEnd;
    boolean right = baseEnd > 0 && radixEnd != baseEnd + 1 && less <= MAX_LESS;
    for (int i = radixEnd; i < text.length(); i++) {
      right &= text.charAt(i) == '>';
    }
    if (!right) {
      throw new PackException(where + ": '" + text + "' is no base value such as '20' or '1100/100'");
    }
    BigInteger base = new BigInteger(text.substring(0, baseEnd));
    BigInteger radix = radixEnd > baseEnd ? new BigInteger(text.substring(baseEnd + 1, radixEnd)) : BigInteger.TEN;
    NumberRule rule = rule(base, radix, less, body, where);
    if (lastBase != null && base.compareTo(lastBase) <= 0) {
      throw new PackException(where + ": the rules of a set go upwards, and " + base + " doesn't");
    }
    lastBase = base;
    rules.add(rule);
  }

  private static int digits(String text, int from, int most) {
    int end = from;
    while (end < text.length() && end < from + most && text.charAt(end) >= '0' && text.charAt(end) <= '9') {
      end++;
    }
    return end;
  }

  private static NumberRule rule(BigInteger base, BigInteger givenRadix, int less, String body, String where) {
    BigInteger radix = givenRadix.signum() == 0 ? BigInteger.TEN : givenRadix;
    if (radix.compareTo(BigInteger.ONE) <= 0) {
      throw new PackException(where + ": the radix is at least 2");
    }
    int exponent = 0;
    while (radix.pow(exponent + 1).compareTo(base) <= 0) {
      exponent++;
    }
    BigInteger divisor = radix.pow(Math.max(0, exponent - less));
    boolean isMultiple = base.mod(divisor).signum() == 0;
    int open = body.indexOf('[');
    int close = body.indexOf(']');
    String whole = body;
    List<Piece> shortened = null;
    if (open >= 0) {
      if (close < open || body.indexOf('[', open + 1) >= 0 || body.indexOf(']', close + 1) >= 0) {
        throw new PackException(where + ": a rule has one pair of brackets");
      }
      if (base.signum() != 0 && isMultiple) {
        shortened = NumberRule.pieces(body.substring(0, open) + body.substring(close + 1), where);
      }
      whole = body.substring(0, open) + body.substring(open + 1, close) + body.substring(close + 1);
    }
    List<Piece> full = NumberRule.pieces(whole, where);
    boolean divides = false;
    boolean remainder = false;
    for (Piece piece : full) { // those of the shortened body are among them
      divides |= piece.divides();
      remainder |= piece.divides() && piece.kind != Piece.Kind.QUOTIENT;
    }
    if (base.signum() == 0 && divides) {
      throw new PackException(where + ": the rule of 0 can't divide; use '=%name=' or plain words");
    }
    // No number is as high as what doesn't fit into a long.
    return new NumberRule(
        base.min(MAX_LONG).longValue(), divisor.min(MAX_LONG).longValue(), full, shortened, remainder && !isMultiple);
  }
}
