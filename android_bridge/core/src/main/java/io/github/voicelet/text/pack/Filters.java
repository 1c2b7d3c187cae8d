package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import io.github.voicelet.text.CodePoints;
import io.github.voicelet.text.pack.pattern.Match;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** The filters of templates; docs/reference/language-packs.md lists them. */
final class Filters {
  /** What becomes of a text. */
  interface Filter {
    String apply(String text, Match match);
  }

  private static final List<String> PLAIN =
      Arrays.asList(
          "number", "pairs", "year", "camel", "characters", "roman", "letters", "lower", "upper", "capital", "lead",
          "tail", "marks");
  private static final List<String> WITH_PARAMETER =
      Arrays.asList(
          "spell", "agree", "of", "drop", "replace", "translate", "strip", "unprefix", "unsuffix", "pre", "post",
          "else", "first", "last");
  private static final List<String> WITH_OPTION = Arrays.asList("decimal", "digits", "grouped", "numbers", "address");
  private static final String SENTENCE_MARKS = ".,;:!?";
  private static final int MAX_COUNT = 1000;
  private static final int MAX_REPLACED_CHARS = 100;

  private final Tables tables;
  private final Verbalizers numbers;
  private final SignVerbalizers signs;
  private final Groups groups;

  Filters(TemplateParts parts, Groups groups) {
    this.tables = parts.tables;
    this.numbers = parts.numbers;
    this.signs = parts.signs;
    this.groups = groups;
  }

  /**
   * A filter by its name and parameter.
   *
   * @throws PackException there is none, or its parameter is wrong.
   */
  Filter filter(String text) {
    int colon = text.indexOf(':');
    String name = colon < 0 ? text : text.substring(0, colon);
    String parameter = colon < 0 ? "" : text.substring(colon + 1);
    if (PLAIN.contains(name) && colon < 0) {
      return plain(name);
    }
    if (WITH_PARAMETER.contains(name) && !parameter.isEmpty()) {
      return withParameter(name, parameter);
    }
    if (WITH_OPTION.contains(name)) {
      return withOption(name, parameter);
    }
    List<String> known = new ArrayList<>(PLAIN);
    known.addAll(WITH_PARAMETER);
    known.addAll(WITH_OPTION);
    if (known.contains(name)) {
      String needs = PLAIN.contains(name) ? "takes no parameter" : "needs a parameter";
      throw new PackException("the filter '" + name + "' " + needs + ": '" + text + "'");
    }
    throw new PackException(
        "there is no filter '"
            + name
            + "'"
            + Nearest.didYouMean(name, known)
            + "; they are "
            + Whitespace.join(", ", known));
  }

  private Filter plain(String name) {
    switch (name) {
      case "number":
        return (text, match) -> numbers.number(text, "");
      case "pairs":
        return (text, match) -> numbers.pairs(text);
      case "year":
        return (text, match) -> numbers.year(text);
      case "camel":
        return (text, match) -> signs.camel(text);
      case "characters":
        return (text, match) -> signs.characters(text);
      case "roman":
        return (text, match) -> roman(text);
      case "letters":
        return (text, match) -> Verbalizers.spelled(text);
      case "lower":
        return (text, match) -> Case.lower(text);
      case "upper":
        return (text, match) -> Case.upper(text);
      case "capital":
        return (text, match) -> Case.capital(text);
      case "lead":
        return (text, match) -> Verbalizers.lead(text);
      case "tail":
        return (text, match) -> text.substring(CodePoints.forward(text, 0, 1));
      default:
        return (text, match) -> marks(text);
    }
  }

  private static String roman(String text) {
    int value = RomanNumerals.value(text);
    return value == 0 ? "" : Integer.toString(value);
  }

  private static String marks(String text) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      if (SENTENCE_MARKS.indexOf(text.charAt(i)) >= 0) {
        out.append(out.length() == 0 ? "" : " ").append(text.charAt(i));
      }
    }
    return out.toString();
  }

  private Filter withParameter(String name, String parameter) {
    switch (name) {
      case "spell":
        String set = ruleSet(parameter);
        return (text, match) -> numbers.spell(text, set);
      case "agree":
        return agree(parameter);
      case "of":
        return of(parameter);
      case "drop":
        return (text, match) -> without(text, parameter);
      case "replace":
        return replace(parameter);
      case "translate":
        return translate(parameter);
      case "strip":
        return (text, match) -> stripped(text, parameter);
      case "unprefix":
        return (text, match) -> text.startsWith(parameter) ? text.substring(parameter.length()) : text;
      case "unsuffix":
        return (text, match) ->
            text.endsWith(parameter) ? text.substring(0, text.length() - parameter.length()) : text;
      case "pre":
        return (text, match) -> text.isEmpty() ? "" : parameter + text;
      case "post":
        return (text, match) -> text.isEmpty() ? "" : text + parameter;
      case "else":
        return (text, match) -> text.isEmpty() ? parameter : text;
      case "first":
        int first = count(name, parameter);
        return (text, match) -> CodePoints.first(text, first);
      default:
        int last = count(name, parameter);
        return (text, match) -> CodePoints.last(text, last);
    }
  }

  private Filter withOption(String name, String parameter) {
    switch (name) {
      case "decimal":
        String decimal = parameter.isEmpty() ? "" : ruleSet(parameter);
        return (text, match) -> numbers.number(text, decimal);
      case "digits":
        int size = parameter.isEmpty() ? 0 : count(name, parameter);
        return (text, match) -> numbers.digits(text, size);
      case "grouped":
        String set = parameter.isEmpty() ? "" : ruleSet(parameter);
        return (text, match) -> numbers.grouped(text, set, signs.sign("+"));
      case "numbers":
        return (text, match) -> numbers.numbers(text, parameter.isEmpty() ? " " : parameter);
      default:
        return (text, match) -> signs.address(text, parameter);
    }
  }

  private static int count(String name, String parameter) {
    boolean right = Verbalizers.areDigits(parameter) && parameter.length() <= 4;
    int count = right ? Integer.parseInt(parameter) : 0;
    if (count < 1 || count > MAX_COUNT) {
      throw new PackException("the filter '" + name + "' takes a number from 1 to " + MAX_COUNT);
    }
    return count;
  }

  private String ruleSet(String name) {
    NumberRules rules = numbers.rules();
    if (!rules.has(name)) {
      throw new PackException(
          "there are no number rules '"
              + name
              + "'"
              + Nearest.didYouMean(name, rules.names())
              + "; add them to numbers.rbnf");
    }
    return name;
  }

  /** {@code agree:TABLE@group}: by the rule set for the row's column "gender". */
  private Filter agree(String parameter) {
    int at = parameter.indexOf('@');
    String name = at < 0 ? parameter : parameter.substring(0, at);
    Table table = tables.table(name);
    if (at < 0) {
      throw new PackException("write agree:" + name + "@ and the group that holds the key");
    }
    int group = groups.number(parameter.substring(at + 1));
    int place = table.place("gender", "agree:" + parameter);
    return (text, match) -> {
      List<String> row = table.row(match.group(group));
      return numbers.spell(text, numbers.genderRules(row == null ? "" : row.get(place)));
    };
  }

  /** {@code of:TABLE}, {@code of:TABLE.column}, {@code of:TABLE@group} (the plural of the number there). */
  private Filter of(String parameter) {
    int at = parameter.indexOf('@');
    String rest = at < 0 ? parameter : parameter.substring(0, at);
    int dot = rest.indexOf('.');
    Table table = tables.table(dot < 0 ? rest : rest.substring(0, dot));
    if (at >= 0) {
      return plural(table, parameter, groups.number(parameter.substring(at + 1)));
    }
    int place = dot < 0 ? 0 : table.place(rest.substring(dot + 1), "of:" + parameter);
    return (text, match) -> {
      List<String> row = table.row(text);
      return row == null ? "" : row.get(place);
    };
  }

  private Filter plural(Table table, String parameter, int group) {
    int other = table.place("other", "of:" + parameter);
    return (text, match) -> {
      List<String> row = table.row(text);
      if (row == null) {
        return "";
      }
      int place = table.columns.indexOf(numbers.plural(match.group(group)));
      String said = row.get(place < 0 ? other : place);
      return said.isEmpty() ? row.get(other) : said;
    };
  }

  private static Filter replace(String parameter) {
    int equals = parameter.indexOf('=');
    if (equals <= 0) {
      throw new PackException("write replace:OLD=NEW");
    }
    String old = parameter.substring(0, equals);
    String becomes = parameter.substring(equals + 1);
    if (CodePoints.count(becomes) > MAX_REPLACED_CHARS) {
      throw new PackException("replace: writes at most " + MAX_REPLACED_CHARS + " characters");
    }
    return (text, match) -> text.replace(old, becomes);
  }

  private Filter translate(String parameter) {
    Map<String, List<String>> rows = tables.table(parameter).rows;
    return (text, match) -> {
      StringBuilder out = new StringBuilder();
      for (int code : CodePoints.of(text)) {
        String character = CodePoints.string(code);
        List<String> row = rows.get(character);
        out.append(row == null ? character : row.get(0));
      }
      return out.toString();
    };
  }

  private static String without(String text, String characters) {
    StringBuilder out = new StringBuilder(text.length());
    for (int code : CodePoints.of(text)) {
      if (characters.indexOf(code) < 0) {
        out.appendCodePoint(code);
      }
    }
    return out.toString();
  }

  private static String stripped(String text, String characters) {
    int start = 0;
    while (start < text.length() && characters.indexOf(text.codePointAt(start)) >= 0) {
      start += Character.charCount(text.codePointAt(start));
    }
    int end = text.length();
    while (end > start && characters.indexOf(text.codePointBefore(end)) >= 0) {
      end -= Character.charCount(text.codePointBefore(end));
    }
    return text.substring(start, end);
  }
}
