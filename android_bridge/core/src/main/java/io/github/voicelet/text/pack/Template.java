package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import io.github.voicelet.text.CodePoints;
import io.github.voicelet.text.pack.pattern.Match;
import java.util.ArrayList;
import java.util.List;

/**
 * A template of a pack: {@code {n|spell:spellout-cardinal} {unit|of:units@n}}.
 *
 * <p>An expression names groups of the rule's pattern ("a,b" are put together; "?a" gives nothing where the group is
 * empty; "=stop" is the full stop of an abbreviation that ends its sentence) and filters, which are applied from left
 * to right.
 */
final class Template {
  private static final int MAX_CHARS = 2000;
  /** What one {group|filter} may say; a rule that would say more doesn't apply. */
  private static final int MAX_SAID_CHARS = 4000;

  private static final int SHOWN = 60;

  /** A piece of what is said. */
  private interface Piece {
    String say(Match match, RuleContext context);
  }

  private final List<Piece> pieces = new ArrayList<>();
  private final Filters filters;
  private final Groups groups;

  /**
   * Read one.
   *
   * @param groups of the rule's pattern.
   * @throws PackException a group, filter, table, column or rule set isn't there.
   */
  Template(String text, TemplateParts parts, Groups groups) {
    this.groups = groups;
    this.filters = new Filters(parts, groups);
    if (text.codePointCount(0, text.length()) > MAX_CHARS) {
      throw new PackException("a template is longer than " + MAX_CHARS + " characters");
    }
    for (int at = 0; at < text.length(); ) {
      int end = at;
      if (text.charAt(at) == '{') {
        end = brace(text, at + 1);
        if (end == text.length() || text.charAt(end) == '{') {
          throw lone(text);
        }
        pieces.add(expression(text.substring(at + 1, end)));
        at = end + 1;
      } else {
        end = brace(text, at);
        if (end == at) {
          throw lone(text);
        }
        pieces.add(plain(text.substring(at, end)));
        at = end;
      }
    }
  }

  private static int brace(String text, int from) {
    int end = from;
    while (end < text.length() && text.charAt(end) != '{' && text.charAt(end) != '}') {
      end++;
    }
    return end;
  }

  private static PackException lone(String text) {
    String shown = text.substring(0, Math.min(text.length(), SHOWN));
    return new PackException("'" + shown + "': a brace stands alone; write {group|filter}");
  }

  /** What is said of a match. */
  String say(Match match, RuleContext context) {
    if (pieces.size() == 1) {
      return pieces.get(0).say(match, context);
    }
    StringBuilder out = new StringBuilder();
    for (Piece piece : pieces) {
      out.append(piece.say(match, context));
    }
    return out.toString();
  }

  private static Piece plain(String text) {
    return (match, context) -> text;
  }

  /** What stands between braces. */
  private Piece expression(String text) {
    String[] parts = text.split("\\|", -1);
    if (text.equals("=stop")) {
      return (match, context) -> match.text().endsWith(".") && context.endsSentence(match.end()) ? " ." : "";
    }
    boolean optional = parts[0].startsWith("?");
    String[] names = (optional ? parts[0].substring(1) : parts[0]).split(",", -1);
    int[] numbers = new int[names.length];
    for (int i = 0; i < names.length; i++) {
      numbers[i] = groups.number(names[i]);
    }
    Filters.Filter[] steps = new Filters.Filter[parts.length - 1];
    for (int i = 0; i < steps.length; i++) {
      steps[i] = filters.filter(parts[i + 1]);
    }
    return (match, context) -> {
      String said = match.group(numbers[0]);
      for (int i = 1; i < numbers.length; i++) {
        said += match.group(numbers[i]);
      }
      if (optional && said.isEmpty()) {
        return "";
      }
      for (Filters.Filter step : steps) {
        said = step.apply(said, match);
        if (said.length() > MAX_SAID_CHARS && CodePoints.count(said) > MAX_SAID_CHARS) {
          throw new PackException("'" + text + "' says more than " + MAX_SAID_CHARS + " characters");
        }
      }
      return said;
    };
  }
}
