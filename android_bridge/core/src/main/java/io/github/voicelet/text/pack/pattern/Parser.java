package io.github.voicelet.text.pack.pattern;

import io.github.voicelet.PackException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The portable subset of regular expressions, and what a match may cost at most.
 *
 * <p>A pack is read by several runtimes and may come from a stranger. So a pattern uses only what means the same
 * everywhere, and is refused where a text could make it try more than {@link #MAX_STEPS} steps.
 * docs/reference/language-packs.md has the subset.
 */
final class Parser {
  /** Length of a pattern, its macros expanded, in code points. */
  static final int MAX_PATTERN_CHARS = 20_000;

  /** Characters compared, in the worst text, before a match fails. */
  static final int MAX_STEPS = 200_000;

  /** The same for all rules at one place that may begin with one character, tried one after another. */
  static final int MAX_PACK_STEPS = 2_000_000;

  private static final int MAX_REPEAT = 1000;
  private static final int MAX_DEPTH = 30;
  private static final int MAX_NAME = 20;
  private static final int MAX_BEHIND = 32;
  private static final String ANY_CLASS = "[\\s\\S]";
  private static final String PLAIN = " _,;:!@#&'\"%~`/<>=-";

  private final String text;
  private int at;
  private final List<String> names = new ArrayList<>();

  private Parser(String text) {
    this.text = text;
  }

  /**
   * Check a pattern whose macros are expanded.
   *
   * @return what it may begin with, and what it costs.
   * @throws PackException it isn't portable, or a text could make it too slow; the message says where.
   */
  static Checked check(String pattern) {
    if (pattern.codePointCount(0, pattern.length()) > MAX_PATTERN_CHARS) {
      throw new PackException("longer than " + MAX_PATTERN_CHARS + " characters; split the rule");
    }
    Node node = parse(pattern).node;
    long steps = Cost.of(node, Ranges.NONE).steps;
    if (steps > MAX_STEPS) {
      throw new PackException(
          "a text could make it try "
              + (steps >= Cost.CAP ? "more than " : "")
              + steps
              + " steps; "
              + MAX_STEPS
              + " are allowed: bound its repeats lower, or let what follows a repeat begin with a character that the"
              + " repeat can't take");
    }
    return new Checked(node.first, steps);
  }

  /** A pattern that was looked into. */
  static final class Checked {
    /** The code points that a match may begin with. */
    final Ranges first;

    /** Characters compared, in the worst text. */
    final long steps;

    Checked(Ranges first, long steps) {
      this.first = first;
      this.steps = steps;
    }
  }

  /** A pattern, taken apart. */
  static final class Parsed {
    final Node node;

    /** Names of the groups; the first has the number 1. */
    final List<String> groups;

    Parsed(Node node, List<String> groups) {
      this.node = node;
      this.groups = groups;
    }
  }

  /**
   * Take a pattern apart whose macros are expanded.
   *
   * @throws PackException it isn't portable.
   */
  static Parsed parse(String pattern) {
    Parser parser = new Parser(pattern);
    Node node = parser.choice(0);
    if (parser.at < pattern.length()) {
      throw parser.error("there is no '(' for this ')'");
    }
    return new Parsed(node, Collections.unmodifiableList(parser.names));
  }

  private PackException error(String message) {
    String place = text.substring(Math.max(0, at - 12), Math.min(text.length(), at + 12));
    return new PackException(message + ", at character " + (at + 1) + " ('" + place + "')");
  }

  private boolean ahead(String part) {
    return text.startsWith(part, at);
  }

  private boolean ahead(char c) {
    return at < text.length() && text.charAt(at) == c;
  }

  private Node choice(int depth) {
    if (depth > MAX_DEPTH) {
      throw error("groups nest deeper than " + MAX_DEPTH + "; simplify the pattern");
    }
    List<Node> branches = new ArrayList<>();
    branches.add(sequence(depth));
    while (ahead('|')) {
      at++;
      branches.add(sequence(depth));
    }
    return Node.choice(branches);
  }

  private static boolean isPlain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || PLAIN.indexOf(c) >= 0;
  }

  private Node sequence(int depth) {
    List<Node> parts = new ArrayList<>();
    while (at < text.length() && !ahead('|') && !ahead(')')) {
      int end = at;
      while (end < text.length() && isPlain(text.charAt(end))) {
        end++;
      }
      if (end - at >= 2) {
        if (end < text.length() && "?{*+".indexOf(text.charAt(end)) >= 0) {
          end--; // what follows repeats the last character only
        }
        parts.add(Node.text(text.substring(at, end)));
        at = end;
        continue;
      }
      int before = names.size();
      Node part = atom(depth);
      parts.add(repeated(part, names.size() > before));
    }
    return Node.sequence(parts);
  }

  private Node repeated(Node part, boolean named) {
    int[] times = times();
    if (times == null) {
      return part;
    }
    if (part.kind == Node.Kind.LOOK) {
      throw error("a look-ahead or look-behind can't be repeated");
    }
    if (times[1] > 1 && part.least == 0) {
      throw error("what is repeated may match nothing; let it match at least one");
    }
    if (times[1] > 1 && named) {
      throw error("a named group is repeated; put the repeat inside the group");
    }
    if (times() != null || ahead('+')) {
      throw error("a repeat of a repeat isn't portable; use a group");
    }
    return Node.repeat(part, times[0], times[1], times[2] > 0);
  }

  /** Least and most of the repeat that stands here, and 1 if it is lazy; null for none. */
  private int[] times() {
    if (at >= text.length()) {
      return null;
    }
    int[] times;
    char c = text.charAt(at);
    if (c == '?') {
      at++;
      times = new int[] {0, 1, 0};
    } else if (c == '*' || c == '+') {
      throw error("'" + c + "' has no bound; write a bounded repeat such as {1,40}");
    } else if (c == '{') {
      times = braces();
      if (times[0] > times[1] || times[1] <= 0 || times[1] > MAX_REPEAT) {
        throw error("a repeat goes from 0 up to " + MAX_REPEAT);
      }
      at = times[2];
      times[2] = 0;
    } else {
      return null;
    }
    if (ahead('?')) { // lazy: as few as will do
      at++;
      times[2] = 1;
    }
    return times;
  }

  /** Least, most and the end of {@code {n}} or {@code {n,m}}. */
  private int[] braces() {
    int end = digits(at + 1);
    if (end > at + 1) {
      int least = Integer.parseInt(text.substring(at + 1, end));
      int most = least;
      if (text.startsWith(",", end)) {
        int begin = end + 1;
        end = digits(begin);
        most = end > begin ? Integer.parseInt(text.substring(begin, end)) : -1;
      }
      if (most >= 0 && text.startsWith("}", end)) {
        return new int[] {least, most, end + 1};
      }
    }
    throw error("write a repeat as {2} or {1,40}; escape a brace as \\{");
  }

  private int digits(int from) {
    int end = from;
    while (end < text.length() && end < from + 4 && text.charAt(end) >= '0' && text.charAt(end) <= '9') {
      end++;
    }
    return end;
  }

  private Node atom(int depth) {
    if (ahead(ANY_CLASS)) {
      at += ANY_CLASS.length();
      return Node.chars(Ranges.ALL);
    }
    char c = text.charAt(at);
    if (c == '(') {
      return group(depth);
    }
    if (c == '[') {
      return charClass();
    }
    if (c == '\\') {
      return Node.chars(Ranges.of(escape()));
    }
    if (c == '.') {
      throw error("'.' differs between engines; write [^\\n], or escape it as \\.");
    }
    if (c == '^' || c == '$') {
      throw error("'" + c + "' differs between engines; escape it, or write (?![\\s\\S]) for the end");
    }
    if ("]){}*+?|".indexOf(c) >= 0) {
      throw error("'" + c + "' stands alone; escape it as \\" + c);
    }
    int code = text.codePointAt(at);
    at += Character.charCount(code);
    return Node.chars(Ranges.of(code));
  }

  private int escape() {
    char c = at + 1 < text.length() ? text.charAt(at + 1) : 'z';
    int code = c;
    if (c == 'n') {
      code = '\n';
    } else if (c == 't') {
      code = '\t';
    } else if (c > 0x7F || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
      String shown = at + 1 < text.length() ? String.valueOf(c) : "";
      throw error("'\\" + shown + "' isn't portable; write the characters as a class, such as [A-Za-z0-9_]");
    }
    at += 2;
    return code;
  }

  private Node group(int depth) {
    Node.Look look = null;
    int number = 0;
    int name = nameEnd(text, at);
    if (name > 0) {
      String found = text.substring(at + 3, name);
      if (names.contains(found)) {
        throw error("the group '" + found + "' comes twice");
      }
      names.add(found);
      number = names.size();
      at = name + 1;
    } else if (ahead("(?:")) {
      at += 3;
    } else if (ahead("(?=") || ahead("(?!")) {
      look = ahead("(?=") ? Node.Look.AHEAD : Node.Look.NOT_AHEAD;
      at += 3;
    } else if (ahead("(?<=") || ahead("(?<!")) {
      look = ahead("(?<=") ? Node.Look.BEHIND : Node.Look.NOT_BEHIND;
      at += 4;
    } else if (ahead("(?")) {
      throw error(
          "of the groups only (?:…), (?<name>…), (?=…), (?!…), (?<=…) and (?<!…) are portable; a name has letters a-z"
              + " and digits");
    } else {
      throw error("name the group, (?<name>…), or don't capture it, (?:…)");
    }
    int start = at;
    int before = names.size();
    Node node = choice(depth + 1);
    if (!ahead(')')) {
      throw error("a ')' is missing");
    }
    if (look != null && names.size() > before) {
      throw error("a named group inside a look-ahead or look-behind isn't portable");
    }
    boolean behind = look == Node.Look.BEHIND || look == Node.Look.NOT_BEHIND;
    if (behind && (node.least != node.most || node.most > MAX_BEHIND)) {
      at = start;
      throw error("a look-behind has one fixed width of at most " + MAX_BEHIND + " characters");
    }
    at++;
    if (look != null) {
      return Node.look(look, node);
    }
    return number > 0 ? node.inGroup(number) : node;
  }

  /** Where the {@code >} of a group's name stands; -1 where no named group opens here. */
  static int nameEnd(String text, int at) {
    if (!text.startsWith("(?<", at)) {
      return -1;
    }
    int i = at + 3;
    while (i < text.length() && isNameChar(text.charAt(i), i == at + 3)) {
      i++;
    }
    int length = i - at - 3;
    return length > 0 && length <= MAX_NAME && text.startsWith(">", i) ? i : -1;
  }

  private static boolean isNameChar(char c, boolean first) {
    return (c >= 'a' && c <= 'z') || (!first && c >= '0' && c <= '9');
  }

  private Node charClass() {
    at++;
    boolean negated = ahead('^');
    if (negated) {
      at++;
    }
    int[] pairs = new int[16];
    int count = 0;
    while (!ahead(']')) {
      int low = classChar();
      int high = low;
      if (ahead('-') && !ahead("-]")) {
        at++;
        high = classChar();
        if (high < low) {
          throw error("a range of a class goes upwards");
        }
      }
      if (2 * count == pairs.length) {
        pairs = java.util.Arrays.copyOf(pairs, pairs.length * 2);
      }
      pairs[2 * count] = low;
      pairs[2 * count++ + 1] = high;
    }
    at++;
    if (count == 0) {
      throw error("a class is empty");
    }
    Ranges chars = Ranges.union(pairs, count);
    return Node.chars(negated ? chars.complement() : chars);
  }

  private int classChar() {
    if (at >= text.length()) {
      throw error("a ']' is missing");
    }
    char c = text.charAt(at);
    if (c == '\\') {
      return escape();
    }
    if (c == '[' || ahead("&&") || ahead("--") || ahead("~~") || ahead("||")) {
      throw error("inside a class write \\" + c);
    }
    int code = text.codePointAt(at);
    at += Character.charCount(code);
    return code;
  }
}
