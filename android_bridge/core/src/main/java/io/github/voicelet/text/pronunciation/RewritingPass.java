package io.github.voicelet.text.pronunciation;

import io.github.voicelet.text.pack.Settings;
import io.github.voicelet.text.pack.pattern.Macros;
import io.github.voicelet.text.pack.pattern.Match;
import io.github.voicelet.text.pack.pattern.PortablePattern;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One pass of letter rules: at every place the first rule that fits writes its output and takes its letters. */
final class RewritingPass {
  private static final int LONGEST_CONTEXT = 64;
  private static final int LONGEST_INPUT = 1000;
  private static final int MAX_OUTPUT_CHARS = 60;
  private static final int MAX_MACROS = 200;

  private final boolean leftIsOutput;
  private final boolean dropsRest;
  private final Rule[] rules;
  private final Map<Character, Rule[]> byFirst = new HashMap<>();

  RewritingPass(Settings entry, Macros macros, boolean leftIsOutput, boolean dropsRest) {
    this.leftIsOutput = leftIsOutput;
    this.dropsRest = dropsRest;
    List<?> rows = entry.list("rules");
    rules = new Rule[rows.size()];
    for (int i = 0; i < rules.length; i++) {
      rules[i] = rule(entry.listOf(rows.get(i), "rules"), macros, entry);
    }
  }

  String rewrite(String word) {
    String text = "#" + (word.length() > LONGEST_INPUT ? word.substring(0, LONGEST_INPUT) : word) + "#";
    StringBuilder output = new StringBuilder("#");
    int place = 1;
    int last = text.length() - 1;
    while (place < last) {
      CharSequence before = leftIsOutput ? output : text;
      int leftEnd = leftIsOutput ? output.length() : place;
      Rule fitting = null;
      int end = -1;
      for (Rule rule : candidates(text.charAt(place))) {
        end = rule.end(text, place);
        if (place < end && end <= last && rule.follows(before, leftEnd)) {
          fitting = rule;
          break;
        }
      }
      if (fitting != null) {
        output.append(fitting.output.replace("{0}", text.substring(place, end)));
        place = end;
      } else {
        if (!dropsRest) {
          output.append(text.charAt(place));
        }
        place++;
      }
    }
    return output.substring(1);
  }

  private synchronized Rule[] candidates(char first) {
    Rule[] found = byFirst.get(first);
    if (found == null) {
      List<Rule> fitting = new ArrayList<>();
      for (Rule rule : rules) {
        if (rule.first == null || rule.first.indexOf(first) >= 0) {
          fitting.add(rule);
        }
      }
      found = fitting.toArray(new Rule[0]);
      byFirst.put(first, found);
    }
    return found;
  }

  private static Rule rule(List<?> row, Macros macros, Settings entry) {
    boolean isRow = row.size() == 4;
    for (Object part : row) {
      isRow &= part instanceof String;
    }
    if (!isRow) {
      throw entry.error("a letter rule is a row of four strings (left, letters, right, output), not " + row);
    }
    String[] parts = row.toArray(new String[0]);
    if (parts[1].isEmpty() || parts[3].length() > MAX_OUTPUT_CHARS) {
      throw entry.error("the letter rule " + row + " has no letters, or writes over " + MAX_OUTPUT_CHARS + " characters");
    }
    for (int i = 0; i < 3; i++) {
      if (parts[i].split("\\{\\{", -1).length > MAX_MACROS + 1) {
        throw entry.error("a pattern of the letter rules has over " + MAX_MACROS + " macros");
      }
      parts[i] = macros.expand(parts[i]);
    }
    return new Rule(parts[0], parts[1], parts[2], parts[3], macros, entry.where());
  }

  /** A rule; its patterns are compiled when they are first tried, for a pack has hundreds. */
  private static final class Rule {
    final String first;
    final String output;
    private final String[] letters;
    private final String[] right;
    private final String[] left;
    private final PortablePattern here;
    private final PortablePattern before;

    Rule(String left, String letters, String right, String output, Macros macros, String where) {
      this.output = output;
      this.letters = Places.of(letters);
      this.right = Places.of(right);
      this.left = Places.of(left);
      first = this.letters == null || this.letters.length == 0 ? null : this.letters[0];
      boolean isPlain = this.letters != null && this.right != null;
      String both = right.isEmpty() ? letters : "(?:" + letters + ")(?=" + right + ")";
      here = isPlain ? null : pattern(both, macros, where);
      before = this.left != null ? null : pattern("(?:" + left + ")" + Macros.END, macros, where);
    }

    private static PortablePattern pattern(String source, Macros macros, String where) {
      PortablePattern pattern = new PortablePattern(source, macros, where);
      pattern.check();
      return pattern;
    }

    /** Where its letters end if they and the right context stand at a place, else -1. */
    int end(String text, int place) {
      if (here == null) {
        int rightAt = Places.match(letters, text, place);
        return rightAt >= 0 && Places.match(right, text, rightAt) >= 0 ? rightAt : -1;
      }
      Match match = here.match(text, place);
      return match == null ? -1 : match.end();
    }

    /** Whether the text before is its left context. */
    boolean follows(CharSequence text, int end) {
      int start = Math.max(0, end - LONGEST_CONTEXT);
      if (before == null) {
        int from = end - left.length;
        return from >= start && Places.match(left, text, from) == end;
      }
      return before.isIn(text.subSequence(start, end).toString());
    }
  }

  /** Patterns that are only characters and classes in a row: the characters that may stand at each place. */
  private static final class Places {
    private static final String SPECIAL = "\\[](){}.*+?|^$";

    private Places() {}

    static String[] of(String pattern) {
      List<String> places = new ArrayList<>();
      int at = 0;
      while (at < pattern.length()) {
        char c = pattern.charAt(at);
        if (c != '[') {
          if (SPECIAL.indexOf(c) >= 0) {
            return null;
          }
          places.add(String.valueOf(c));
          at++;
          continue;
        }
        int close = pattern.indexOf(']', at);
        if (close <= at + 1) {
          return null;
        }
        String members = pattern.substring(at + 1, close);
        for (int i = 0; i < members.length(); i++) {
          if ("\\[]^&~|-".indexOf(members.charAt(i)) >= 0) {
            return null;
          }
        }
        places.add(members);
        at = close + 1;
      }
      return places.toArray(new String[0]);
    }

    /** The end of the match at a place, or -1. */
    static int match(String[] places, CharSequence text, int at) {
      if (at + places.length > text.length()) {
        return -1;
      }
      for (int i = 0; i < places.length; i++) {
        if (places[i].indexOf(text.charAt(at + i)) < 0) {
          return -1;
        }
      }
      return at + places.length;
    }
  }
}
