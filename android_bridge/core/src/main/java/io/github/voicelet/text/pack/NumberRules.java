package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import io.github.voicelet.text.pack.NumberRule.Piece;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Number words: an interpreter of ICU's rule-based number formats, as Unicode CLDR writes them.
 *
 * <p>It reads the part that CLDR's spellout rules need (docs/reference/language-packs.md lists it), with ICU's
 * meaning. The rules travel in the pack: a device's own ICU may be of any version.
 */
final class NumberRules {
  /** Longer whole numbers have no name. */
  static final int MAX_DIGITS = 18;

  private static final int MAX_DEPTH = 64;
  private static final int MAX_SUBSTITUTIONS = 600;

  /** Substitutions of all numbers that a check spells. */
  private static final int MAX_CHECKED = 300_000;

  private static final long MAX_NUMBER = 999_999_999_999_999_999L;
  private static final List<Piece> MINUS =
      Arrays.asList(new Piece(Piece.Kind.TEXT, "minus "), new Piece(Piece.Kind.REMAINDER, ""));

  /** The rules of a number call one another without end. */
  private static final class EndlessException extends PackException {
    private static final long serialVersionUID = 1L;

    EndlessException(String message) {
      super(message);
    }
  }

  private final Map<String, NumberRuleSet> sets;
  private final Plurals plurals;
  private final Plurals ordinals;
  private final String point;

  /**
   * The rule sets of one language.
   *
   * @param texts sources of ICU rule text; a set of the same name in a later one replaces that of an earlier one.
   * @param decimal "." or ",": which of the rules "x.x" and "x,x" says a decimal fraction.
   * @throws PackException a line can't be read, or names a set that isn't there.
   */
  NumberRules(List<String> texts, Plurals plurals, Plurals ordinals, String decimal) {
    this.plurals = plurals;
    this.ordinals = ordinals;
    this.point = decimal.equals(",") ? "x,x" : "x.x";
    this.sets = NumberRuleSet.parse(texts);
    for (Map.Entry<String, NumberRuleSet> set : sets.entrySet()) {
      for (Piece piece : set.getValue().pieces()) {
        if (piece.namesSet()) {
          find(piece.text, "the rules " + set.getKey() + ": ");
        }
      }
    }
  }

  /** The public sets, without their "%". */
  List<String> names() {
    List<String> names = new ArrayList<>();
    for (String name : sets.keySet()) {
      if (!name.startsWith("%%")) {
        names.add(name.substring(1));
      }
    }
    return names;
  }

  /** Whether there is a set of that name. */
  boolean has(String rules) {
    return sets.containsKey("%" + rules) || sets.containsKey("%%" + rules);
  }

  /**
   * Spell a number for every rule, so that no text can find what is wrong first.
   *
   * @throws PackException some rules call one another without end.
   */
  void check() {
    TreeSet<Long> bases = new TreeSet<>();
    for (NumberRuleSet set : sets.values()) {
      for (NumberRule rule : set.rules) {
        bases.add(Math.min(rule.base, MAX_NUMBER));
        bases.add(Math.min(rule.base, MAX_NUMBER - 1) + 1);
      }
    }
    int steps = 0;
    for (String name : names()) {
      NumberRuleSet set = find("%" + name, "");
      for (long number : bases) {
        int[] count = new int[1];
        spell(number, set, count, 0, -1);
        steps += count[0];
        if (steps > MAX_CHECKED) {
          throw new PackException(
              "numbers.rbnf: the rules call one another too often to be checked; leave out sets and rules that no"
                  + " number needs");
        }
      }
    }
  }

  /**
   * A number in words.
   *
   * @param number digits with "-" before or "." inside, of at most {@link #MAX_DIGITS} digits.
   * @param rules name of a set ("spellout-cardinal").
   * @throws PackException there is no such set.
   */
  String spell(String number, String rules) {
    NumberRuleSet found = find(sets.containsKey("%%" + rules) ? "%%" + rules : "%" + rules, "");
    if (number.startsWith("-")) {
      List<Piece> body = found.special.get("-x");
      String said = spell(number.substring(1), rules);
      StringBuilder out = new StringBuilder();
      for (Piece piece : body == null ? MINUS : body) {
        out.append(piece.kind == Piece.Kind.TEXT ? piece.text : said);
      }
      return out.toString();
    }
    int dot = number.indexOf('.');
    if (dot < 0) {
      return spelled(number, found);
    }
    return fraction(number.substring(0, dot), number.substring(dot + 1), found, rules);
  }

  private String fraction(String whole, String digits, NumberRuleSet found, String rules) {
    List<Piece> body = found.special.get(point);
    body = body == null || body.isEmpty() ? found.special.get("x.x") : body;
    boolean says = false;
    for (Piece piece : body == null ? Collections.<Piece>emptyList() : body) {
      says |= piece.kind == Piece.Kind.REMAINDER;
    }
    if (!says) {
      throw new PackException("the number rules '" + rules + "' say no decimal fractions");
    }
    StringBuilder out = new StringBuilder();
    for (Piece piece : body) {
      if (piece.kind == Piece.Kind.TEXT) {
        out.append(piece.text);
      } else if (piece.kind == Piece.Kind.QUOTIENT) {
        out.append(spelled(whole, found));
      } else {
        NumberRuleSet inner = piece.namesSet() ? find(piece.text, "") : found;
        for (int i = 0; i < digits.length(); i++) {
          out.append(i > 0 ? " " : "").append(spell(digits.charAt(i) - '0', inner, new int[1], 0, -1));
        }
      }
    }
    return out.toString();
  }

  /** A whole number; where its rules never end, digit by digit, as far as that goes. */
  private String spelled(String digits, NumberRuleSet set) {
    try {
      return spell(Long.parseLong(digits), set, new int[1], 0, -1);
    } catch (EndlessException e) {
      List<String> said = new ArrayList<>();
      for (int i = 0; i < digits.length(); i++) {
        try {
          said.add(spell(digits.charAt(i) - '0', set, new int[1], 0, -1));
        } catch (EndlessException f) {
          continue; // nothing says this digit
        }
      }
      return Whitespace.join(" ", said);
    }
  }

  private NumberRuleSet find(String name, String where) {
    NumberRuleSet rules = sets.get(name);
    if (rules == null) {
      String bare = bare(name);
      List<String> known = new ArrayList<>();
      for (String set : sets.keySet()) {
        known.add(bare(set));
      }
      throw new PackException(
          where
              + "there are no number rules '"
              + bare
              + "'"
              + Nearest.didYouMean(bare, known)
              + "; add them to numbers.rbnf");
    }
    return rules;
  }

  private static String bare(String name) {
    int at = 0;
    while (at < name.length() && name.charAt(at) == '%') {
      at++;
    }
    return name.substring(at);
  }

  /**
   * One step.
   *
   * @param count of substitutions so far.
   * @param before only rules before this place may be taken (for ">>>"); -1 for any.
   */
  private String spell(long number, NumberRuleSet set, int[] count, int depth, int before) {
    if (depth > MAX_DEPTH || ++count[0] > MAX_SUBSTITUTIONS) {
      throw new EndlessException(
          "numbers.rbnf: the rules for "
              + number
              + " call one another without end; give each number a rule that ends");
    }
    int place = before < 0 ? set.place(number) : before - 1;
    if (place < 0) {
      return Long.toString(number);
    }
    NumberRule rule = set.rules.get(place);
    if (rule.givesWay && number % rule.divisor == 0 && place > 0) {
      rule = set.rules.get(--place);
    }
    boolean isMultiple = rule.shortened != null && number % rule.divisor == 0;
    StringBuilder out = new StringBuilder();
    for (Piece piece : isMultiple ? rule.shortened : rule.full) {
      if (piece.kind == Piece.Kind.TEXT) {
        out.append(piece.text);
        continue;
      }
      if (piece.kind == Piece.Kind.CARDINAL || piece.kind == Piece.Kind.ORDINAL) {
        Plurals kind = piece.kind == Piece.Kind.CARDINAL ? plurals : ordinals;
        String said = piece.options.get(kind.category(Long.toString(number / rule.divisor)));
        out.append(said == null ? piece.options.get("other") : said);
        continue;
      }
      long value = number;
      if (piece.divides()) {
        value = piece.kind == Piece.Kind.QUOTIENT ? number / rule.divisor : number % rule.divisor;
      }
      if (piece.isFormat()) {
        out.append(value);
        continue;
      }
      NumberRuleSet inner = piece.namesSet() ? find(piece.text, "") : set;
      int only = piece.kind == Piece.Kind.REMAINDER_BEFORE ? place : -1;
      out.append(spell(value, inner, count, depth + 1, only));
    }
    return out.toString();
  }
}
