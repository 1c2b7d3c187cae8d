package io.github.voicelet.text.pack;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** rules.json: macros, sets and rules, in the order of trying. */
final class RulesConfig {
  static final RulesConfig NONE =
      new RulesConfig(
          Collections.<String, String>emptyMap(),
          Collections.<String, String>emptyMap(),
          Collections.<RuleConfig>emptyList());

  /** Name → part of a pattern. */
  final Map<String, String> macros;

  /** Name → words, parted by blanks. */
  final Map<String, String> sets;

  final List<RuleConfig> rules;

  private RulesConfig(Map<String, String> macros, Map<String, String> sets, List<RuleConfig> rules) {
    this.macros = macros;
    this.sets = sets;
    this.rules = rules;
  }

  /**
   * Of the content of a file.
   *
   * @param settings not yet closed, since a user's file has a key more.
   */
  static RulesConfig of(Settings settings) {
    List<RuleConfig> rules = new ArrayList<>();
    int number = 0;
    for (Object rule : settings.list("rules")) {
      rules.add(new RuleConfig(settings.of(rule, "rules[" + number++ + "]")));
    }
    return new RulesConfig(settings.texts("macros"), settings.texts("sets"), rules);
  }

  /** The rules of a pack that completes this one: of the same id in the place of these, others before them. */
  RulesConfig completedBy(RulesConfig child) {
    Map<String, RuleConfig> own = new HashMap<>();
    for (RuleConfig rule : child.rules) {
      own.put(rule.id, rule);
    }
    Set<String> inherited = new HashSet<>();
    for (RuleConfig rule : rules) {
      inherited.add(rule.id);
    }
    List<RuleConfig> all = new ArrayList<>();
    for (RuleConfig rule : child.rules) {
      if (!inherited.contains(rule.id)) {
        all.add(rule);
      }
    }
    for (RuleConfig rule : rules) {
      RuleConfig instead = own.get(rule.id);
      all.add(instead == null ? rule : instead);
    }
    return new RulesConfig(merged(macros, child.macros), merged(sets, child.sets), all);
  }

  static Map<String, String> merged(Map<String, String> parent, Map<String, String> child) {
    Map<String, String> all = new LinkedHashMap<>(parent);
    all.putAll(child);
    return all;
  }

  /** A rule. */
  static final class RuleConfig {
    final String id;

    /** Places, parted by "|". */
    final String at;

    final String match;

    /** Objects, read when the rule is first needed. */
    final List<?> cases;

    RuleConfig(Settings settings) {
      try (Settings rule = settings) {
        id = rule.string("id");
        at = rule.string("at");
        match = rule.string("match");
        cases = rule.requiredList("cases");
        for (Object raw : cases) {
          rule.of(raw, "cases");
        }
      }
    }
  }

  /** A case of a rule: where all of {@code when} hold, {@code say}; without {@code say} the rule doesn't apply. */
  static final class CaseConfig {
    final List<String> when;

    /** The template; null for none. */
    final String say;

    CaseConfig(Object raw) {
      try (Settings settings = new Settings(raw, "the case")) {
        when = settings.strings("when");
        say = settings.stringOrNull("say");
      }
    }
  }
}
