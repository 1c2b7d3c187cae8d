package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import io.github.voicelet.text.CodePoints;
import io.github.voicelet.text.pack.RulesConfig.CaseConfig;
import io.github.voicelet.text.pack.RulesConfig.RuleConfig;
import io.github.voicelet.text.pack.pattern.Macros;
import io.github.voicelet.text.pack.pattern.Match;
import io.github.voicelet.text.pack.pattern.PortablePattern;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Makes the rules of one pack: patterns with their cases, each made when it is first needed. */
final class RuleMaker {
  /** Where the scanner may stand. */
  static final List<String> PLACES = Arrays.asList("digit", "letter", "symbol", "apostrophe", "address");

  private static final String SAY_AS = "say-as:";
  private static final int MAX_RULES = 2000;
  private static final int MAX_CASES = 200;

  /** A rule that says more than so many characters, and so many a character read, doesn't apply. */
  private static final int MOST_SAID = 400;

  private static final int MOST_SAID_PER_CHAR = 60;

  /** Gives what templates are made with, when the first rule needs it. */
  interface Parts {
    TemplateParts get();
  }

  private final Macros macros;
  private final Parts parts;
  private final String where;

  /**
   * Of one file.
   *
   * @param where the file, for messages.
   */
  RuleMaker(Macros macros, Parts parts, String where) {
    this.macros = macros;
    this.parts = parts;
    this.where = where;
  }

  /**
   * The rules by place.
   *
   * @param configs in the order of trying.
   * @param check make every rule now, so that what is wrong shows at once.
   * @throws PackException an id comes twice, a place isn't there, or (with {@code check}) a rule is wrong.
   */
  PackRules rules(List<RuleConfig> configs, boolean check) {
    Map<String, List<Rule>> places = new LinkedHashMap<>();
    for (String place : PLACES) {
      places.put(place, new ArrayList<Rule>());
    }
    List<PackRules.SayAs> sayAs = new ArrayList<>();
    Set<String> ids = new HashSet<>();
    for (RuleConfig config : configs) {
      String place = where + ", rule '" + config.id + "'";
      if (!ids.add(config.id)) {
        throw new PackException(place + ": the id comes twice");
      }
      if (ids.size() > MAX_RULES || config.cases.size() > MAX_CASES) {
        throw new PackException(place + ": over " + MAX_RULES + " rules or " + MAX_CASES + " cases in a rule");
      }
      PortablePattern pattern = new PortablePattern(config.match, macros, place);
      Cases cases = new Cases(config, pattern, place);
      Rule rule = new Rule(pattern, cases, config.id, where);
      if (check) {
        cases.prepare();
      }
      for (String at : config.at.split("\\|", -1)) {
        add(at, rule, places, sayAs, place);
      }
    }
    if (check) {
      for (Map.Entry<String, List<Rule>> entry : places.entrySet()) {
        List<PortablePattern> patterns = new ArrayList<>();
        for (Rule rule : entry.getValue()) {
          patterns.add(rule.pattern());
        }
        PortablePattern.checkTogether(
            patterns, where + ": a text could make the rules at '" + entry.getKey() + "'");
      }
    }
    return new PackRules(places, sayAs);
  }

  private static void add(
      String at, Rule rule, Map<String, List<Rule>> places, List<PackRules.SayAs> sayAs, String where) {
    if (at.startsWith(SAY_AS)) {
      String rest = at.substring(SAY_AS.length());
      int colon = rest.indexOf(':');
      String interpret = colon < 0 ? rest : rest.substring(0, colon);
      sayAs.add(new PackRules.SayAs(interpret, colon < 0 ? "" : rest.substring(colon + 1), rule));
    } else if (places.containsKey(at)) {
      places.get(at).add(rule);
    } else {
      List<String> known = new ArrayList<>(PLACES);
      known.add(SAY_AS + "date");
      throw new PackException(
          where
              + ": there is no place '"
              + at
              + "'"
              + Nearest.didYouMean(at, known)
              + "; they are "
              + Whitespace.join(", ", known));
    }
  }

  /** What a rule says: of the first case whose conditions hold, its template. */
  private final class Cases implements Rule.Handler {
    private final RuleConfig config;
    private final PortablePattern pattern;
    private final String where;
    private volatile Case[] cases;

    Cases(RuleConfig config, PortablePattern pattern, String where) {
      this.config = config;
      this.pattern = pattern;
      this.where = where;
    }

    /** The cases, made at the first call. */
    Case[] prepare() {
      Case[] known = cases;
      if (known == null) {
        Groups groups = new Groups(pattern.groups());
        Predicates predicates = new Predicates(parts.get(), macros, groups, where);
        known = new Case[config.cases.size()];
        for (int i = 0; i < known.length; i++) {
          try {
            known[i] = new Case(new CaseConfig(config.cases.get(i)), predicates, parts.get(), groups);
          } catch (PackException e) {
            throw new PackException(where + ", case " + (i + 1) + ": " + e.getMessage(), e);
          }
        }
        cases = known;
      }
      return known;
    }

    @Override
    public String say(Match match, RuleContext context) {
      String said;
      try {
        said = said(match, context);
      } catch (PackException e) {
        return null; // what no check could foresee: the other rules may do, and the sentence is spoken
      }
      boolean tooMuch =
          said != null && CodePoints.count(said) > MOST_SAID + MOST_SAID_PER_CHAR * CodePoints.count(match.text());
      return tooMuch ? null : said;
    }

    private String said(Match match, RuleContext context) {
      for (Case option : prepare()) {
        if (option.holds(match, context)) {
          return option.template == null ? null : option.template.say(match, context);
        }
      }
      return null;
    }
  }

  /** A case, compiled. */
  private static final class Case {
    private final Predicates.Test[] tests;

    /** Null where the rule doesn't apply. */
    private final Template template;

    Case(CaseConfig config, Predicates predicates, TemplateParts parts, Groups groups) {
      tests = new Predicates.Test[config.when.size()];
      for (int i = 0; i < tests.length; i++) {
        tests[i] = predicates.compile(config.when.get(i));
      }
      template = config.say == null ? null : new Template(config.say, parts, groups);
    }

    boolean holds(Match match, RuleContext context) {
      for (Predicates.Test test : tests) {
        if (!test.holds(match, context)) {
          return false;
        }
      }
      return true;
    }
  }
}
