package io.github.voicelet.text.pack.pattern;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The code points that a match may begin with, read off the beginning of a pattern that is known to be right.
 *
 * <p>Only what stands at the beginning of each alternative is looked at, so that a pack of a hundred rules is ready
 * in a millisecond, and no table is read for a rule whose turn never comes.
 */
final class Beginning {
  private static final String ANY = "[\\s\\S]";

  private final String pattern;
  private final Macros macros;
  private Ranges ranges = Ranges.NONE;
  private int at;

  /**
   * Of a pattern without macros, but for those that stand for the keys of a table.
   *
   * @param macros know those.
   */
  Beginning(String pattern, Macros macros) {
    this.pattern = pattern;
    this.macros = macros;
    scan();
  }

  boolean has(int code) {
    return ranges.has(code);
  }

  /** An open group. */
  private static final class Group {
    /** Whether it began where nothing before must take a character. */
    final boolean begins;

    final boolean looks;

    /** Whether a branch of it may be empty. */
    boolean mayBeEmpty;

    Group(boolean begins, boolean looks) {
      this.begins = begins;
      this.looks = looks;
    }
  }

  private void scan() {
    Deque<Group> groups = new ArrayDeque<>();
    Group group = new Group(true, false);
    boolean begins = true; // nothing before this place must take a character
    while (at < pattern.length()) {
      char c = pattern.charAt(at);
      if (c == '(') {
        groups.push(group);
        boolean looks = opening();
        group = new Group(begins, looks);
        begins &= !looks;
      } else if (c == '|') {
        at++;
        group.mayBeEmpty |= begins;
        begins = group.begins && !group.looks;
      } else if (c == ')') {
        at++;
        boolean optional = optional();
        begins = group.begins && (group.looks || optional || group.mayBeEmpty || begins);
        group = groups.pop();
      } else if (begins) {
        takes(c);
        begins = optional();
      } else {
        skipAtom(c);
      }
    }
  }

  /** Past what opens a group; whether it looks only. */
  private boolean opening() {
    int name = Parser.nameEnd(pattern, at);
    if (name > 0) {
      at = name + 1;
      return false;
    }
    if (pattern.startsWith("(?:", at)) {
      at += 3;
      return false;
    }
    at += pattern.startsWith("(?<", at) ? 4 : 3;
    return true;
  }

  private void takes(char c) {
    if (pattern.startsWith("{{", at)) {
      int end = pattern.indexOf("}}", at);
      int[] pairs = new int[16];
      int count = 0;
      for (int code : macros.firstChars(pattern.substring(at + 2, end))) {
        if (2 * count == pairs.length) {
          pairs = java.util.Arrays.copyOf(pairs, pairs.length * 2);
        }
        pairs[2 * count] = code;
        pairs[2 * count++ + 1] = code;
      }
      ranges = ranges.union(Ranges.union(pairs, count));
      at = end + 2;
    } else if (c == '[' || c == '\\') {
      int start = at;
      skipAtom(c);
      String atom = pattern.substring(start, at);
      ranges = ranges.union(atom.equals(ANY) ? Ranges.ALL : Parser.parse(atom).node.first);
    } else {
      int code = pattern.codePointAt(at);
      ranges = ranges.union(Ranges.of(code));
      at += Character.charCount(code);
    }
  }

  private void skipAtom(char c) {
    if (c == '\\') {
      at += 2;
    } else if (c == '[') {
      at += pattern.startsWith("^", at + 1) ? 2 : 1;
      while (pattern.charAt(at) != ']') {
        at += pattern.charAt(at) == '\\' ? 2 : 1;
      }
      at++;
    } else {
      at++;
    }
  }

  /** Past the repeat that stands here, if one does; whether what stands before it may be left out. */
  private boolean optional() {
    if (at >= pattern.length() || pattern.startsWith("{{", at)) {
      return false;
    }
    boolean optional = false;
    if (pattern.charAt(at) == '?') {
      optional = true;
      at++;
    } else if (pattern.charAt(at) == '{') {
      int end = pattern.indexOf('}', at);
      String times = pattern.substring(at + 1, end);
      int comma = times.indexOf(',');
      optional = Integer.parseInt(comma < 0 ? times : times.substring(0, comma)) == 0;
      at = end + 1;
    } else {
      return false;
    }
    if (at < pattern.length() && pattern.charAt(at) == '?') {
      at++;
    }
    return optional;
  }
}
