package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import io.github.voicelet.text.CodePoints;
import io.github.voicelet.text.pack.pattern.Macros;
import io.github.voicelet.text.pack.pattern.Match;
import io.github.voicelet.text.pack.pattern.PortablePattern;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Characters;
import io.github.voicelet.text.unicode.Whitespace;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The predicates of one rule: what a case may ask of the match and of what stands around.
 *
 * <p>"prev @greetings", "not has dot", "range h 0 24 or is h 99": a name, what it takes, "not" before it, " or "
 * between several.
 */
final class Predicates {
  /** How far "before" looks back, in code points. */
  static final int BEFORE_CHARS = 32;

  private static final int MAX_BOUND_DIGITS = 36;
  private static final BigInteger HUNDRED = BigInteger.valueOf(100);
  private static final List<String> KINDS =
      Arrays.asList(
          "prev", "prev-as-written", "prev-capital", "sentence-start", "next-capital", "ends-sentence", "no-lexicon",
          "shouting", "before", "after", "has", "in", "is", "like", "range", "greater", "follows", "divides", "same",
          "same-before", "same-after", "roman", "known");

  /** Whether a predicate holds. */
  interface Test {
    boolean holds(Match match, RuleContext context);
  }

  /** What two numbers are asked. */
  private interface Comparison {
    boolean holds(BigInteger first, BigInteger second);
  }

  private final Tables tables;
  private final Macros macros;
  private final Verbalizers numbers;
  private final Groups groups;
  private final String where;

  /**
   * Of one rule.
   *
   * @param where the rule's name for messages.
   */
  Predicates(TemplateParts parts, Macros macros, Groups groups, String where) {
    this.tables = parts.tables;
    this.numbers = parts.numbers;
    this.macros = macros;
    this.groups = groups;
    this.where = where;
  }

  /**
   * The test that a text describes.
   *
   * @throws PackException there is no such predicate, or what it takes is wrong.
   */
  Test compile(String text) {
    if (text.contains(" or ")) {
      List<Test> tests = new ArrayList<>();
      for (String part : text.split(" or ", -1)) {
        tests.add(single(part));
      }
      return (match, context) -> {
        for (Test test : tests) {
          if (test.holds(match, context)) {
            return true;
          }
        }
        return false;
      };
    }
    return single(text);
  }

  private Test single(String text) {
    String bare = text;
    boolean denied = false;
    while (bare.startsWith("not ")) {
      bare = bare.substring(4);
      denied = !denied;
    }
    int space = bare.indexOf(' ');
    String name = space < 0 ? bare : bare.substring(0, space);
    Test test = test(name, space < 0 ? "" : bare.substring(space + 1));
    return denied ? (match, context) -> !test.holds(match, context) : test;
  }

  private Test test(String name, String argument) {
    switch (name) {
      case "prev":
        Set<String> words = words(argument);
        return (m, c) -> words.contains(Case.lower(c.previous));
      case "prev-as-written":
        Set<String> written = words(argument);
        return (m, c) -> written.contains(c.previous);
      case "prev-capital":
        nothing(argument);
        return (m, c) ->
            !c.previous.isEmpty()
                && Characters.isUpper(c.previous.codePointAt(0))
                && CodePoints.count(c.previous) > 1;
      case "sentence-start":
        nothing(argument);
        return (m, c) -> c.previous.isEmpty();
      case "next-capital":
        nothing(argument);
        return (m, c) -> !c.nextWord(m.end()).isEmpty();
      case "ends-sentence":
        nothing(argument);
        return (m, c) -> c.endsSentence(m.end());
      case "no-lexicon":
        nothing(argument);
        return (m, c) -> c.known == null;
      case "shouting":
        nothing(argument);
        return (m, c) -> c.isShouting(m.start(), m.end());
      case "before":
        PortablePattern before = pattern("(?:" + argument + ")" + Macros.END);
        return (m, c) -> {
          int start = CodePoints.back(c.text, m.start(), BEFORE_CHARS);
          return before.isIn(c.text.substring(start, m.start()));
        };
      case "after":
        PortablePattern after = pattern(argument);
        return (m, c) -> after.match(c.text, m.end()) != null;
      default:
        return aboutGroups(name, argument);
    }
  }

  private Test aboutGroups(String name, String argument) {
    switch (name) {
      case "has":
        int has = groups.number(argument);
        return (m, c) -> !m.group(has).isEmpty();
      case "in":
        return in(argument);
      case "is":
        String[] is = split(argument, 2, "a group and its texts, parted by |");
        int isGroup = groups.number(is[0]);
        Set<String> options = new HashSet<>(Arrays.asList(is[1].split("\\|", -1)));
        return (m, c) -> options.contains(m.group(isGroup));
      case "like":
        String[] like = split(argument, 2, "a group and a pattern");
        int likeGroup = groups.number(like[0]);
        PortablePattern pattern = pattern(like[1]);
        return (m, c) -> pattern.fullMatch(m.group(likeGroup)) != null;
      case "range":
        return range(argument);
      case "greater":
        return two(argument, (a, b) -> a.compareTo(b) > 0);
      case "follows":
        return two(argument, (a, b) -> a.add(BigInteger.ONE).mod(HUNDRED).equals(b.mod(HUNDRED)));
      case "divides":
        return two(argument, (a, b) -> a.signum() > 0 && b.mod(a).signum() == 0);
      case "same":
        String[] same = split(argument, 2, "two groups");
        int first = groups.number(same[0]);
        int second = groups.number(same[1]);
        return (m, c) -> m.group(first).equals(m.group(second));
      case "same-before":
        int before = groups.number(argument);
        return (m, c) -> {
          String text = m.group(before);
          return !text.isEmpty() && c.text.startsWith(text, m.start() - text.length());
        };
      case "same-after":
        int after = groups.number(argument);
        return (m, c) -> !m.group(after).isEmpty() && c.text.startsWith(m.group(after), m.end());
      case "roman":
        int roman = groups.number(argument);
        return (m, c) -> RomanNumerals.value(m.group(roman)) > 0;
      case "known":
        int known = groups.number(argument);
        return (m, c) -> c.known != null && c.known.has(Case.lower(m.group(known)));
      default:
        throw new PackException(
            "there is no predicate '"
                + name
                + "'"
                + Nearest.didYouMean(name, KINDS)
                + "; they are "
                + Whitespace.join(", ", KINDS));
    }
  }

  private static void nothing(String argument) {
    if (!argument.isEmpty()) {
      throw new PackException("the predicate takes nothing, not '" + argument + "'");
    }
  }

  private String[] split(String argument, int count, String what) {
    String[] words = argument.split(" ", count);
    boolean right = words.length == count;
    for (String word : words) {
      right &= !word.isEmpty();
    }
    if (!right) {
      throw new PackException("'" + argument + "': the predicate takes " + what);
    }
    groups.number(words[0]);
    return words;
  }

  private Set<String> words(String argument) {
    if (argument.startsWith("@")) {
      return tables.words(argument.substring(1));
    }
    if (argument.isEmpty()) {
      throw new PackException("the predicate takes words, or @ and the name of a set");
    }
    return new HashSet<>(Whitespace.words(argument));
  }

  private PortablePattern pattern(String source) {
    PortablePattern pattern = new PortablePattern(source, macros, where);
    pattern.check();
    return pattern;
  }

  private Test in(String argument) {
    String[] words = split(argument, 2, "a group, and @ with the name of a set");
    if (!words[1].startsWith("@")) {
      throw new PackException("'" + argument + "': write @ before the name of a set or table");
    }
    int group = groups.number(words[0]);
    Set<String> known = tables.words(words[1].substring(1));
    return (m, c) -> known.contains(m.group(group));
  }

  /** The whole part of a written number; null for none. */
  private BigInteger number(String text) {
    String plain = numbers.plain(text);
    int dot = plain.indexOf('.');
    String digits = dot < 0 ? plain : plain.substring(0, dot);
    return Verbalizers.areDigits(digits) ? new BigInteger(digits) : null;
  }

  private Test range(String argument) {
    String[] words = split(argument, 3, "a group, the least and the most");
    boolean right = Verbalizers.areDigits(words[1]) && Verbalizers.areDigits(words[2]);
    if (!right || words[1].length() + words[2].length() > MAX_BOUND_DIGITS) {
      throw new PackException("'" + argument + "': the least and the most are whole numbers");
    }
    int group = groups.number(words[0]);
    BigInteger least = new BigInteger(words[1]);
    BigInteger most = new BigInteger(words[2]);
    return (m, c) -> {
      BigInteger number = number(m.group(group));
      return number != null && least.compareTo(number) <= 0 && number.compareTo(most) <= 0;
    };
  }

  private Test two(String argument, Comparison comparison) {
    String[] words = split(argument, 2, "two groups");
    int first = groups.number(words[0]);
    int second = groups.number(words[1]);
    return (m, c) -> {
      BigInteger a = number(m.group(first));
      BigInteger b = number(m.group(second));
      return a != null && b != null && comparison.holds(a, b);
    };
  }
}
