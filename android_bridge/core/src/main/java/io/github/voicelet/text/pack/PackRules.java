package io.github.voicelet.text.pack;

import io.github.voicelet.text.pack.pattern.Match;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The rules of a pack. */
final class PackRules {
  /** Place → its rules, in the order of trying. */
  final Map<String, List<Rule>> byPlace;

  /** Rules for SSML say-as, in the order of trying. */
  final List<SayAs> sayAs;

  PackRules(Map<String, List<Rule>> byPlace, List<SayAs> sayAs) {
    this.byPlace = byPlace;
    this.sayAs = sayAs;
  }

  /** How the text of an SSML say-as is read. */
  static final class SayAs {
    final String interpret;

    /** "" is for formats that have no rule of their own. */
    final String form;

    final Rule rule;

    SayAs(String interpret, String form, Rule rule) {
      this.interpret = interpret;
      this.form = form;
      this.rule = rule;
    }
  }

  /** These rules after a user's; one with the id of a user's is left out. */
  PackRules behind(List<PackRules> users) {
    Set<String> own = new HashSet<>();
    for (PackRules user : users) {
      for (List<Rule> rules : user.byPlace.values()) {
        for (Rule rule : rules) {
          own.add(rule.name);
        }
      }
      for (SayAs entry : user.sayAs) {
        own.add(entry.rule.name);
      }
    }
    Map<String, List<Rule>> places = new LinkedHashMap<>();
    for (Map.Entry<String, List<Rule>> place : byPlace.entrySet()) {
      List<Rule> rules = new ArrayList<>();
      for (PackRules user : users) {
        rules.addAll(user.byPlace.get(place.getKey()));
      }
      for (Rule rule : place.getValue()) {
        if (!own.contains(rule.name)) {
          rules.add(rule);
        }
      }
      places.put(place.getKey(), rules);
    }
    List<SayAs> entries = new ArrayList<>();
    for (PackRules user : users) {
      entries.addAll(user.sayAs);
    }
    for (SayAs entry : sayAs) {
      if (!own.contains(entry.rule.name)) {
        entries.add(entry);
      }
    }
    return new PackRules(places, entries);
  }

  /** The notation of the rules for the clean text of a say-as; null where no rule reads it. */
  String readAs(String text, String interpret, String form) {
    RuleContext context = new RuleContext();
    context.text = text;
    boolean hasForm = false;
    for (SayAs entry : sayAs) {
      hasForm |= entry.interpret.equals(interpret) && entry.form.equals(form);
    }
    String wanted = hasForm ? form : "";
    for (SayAs entry : sayAs) {
      if (entry.interpret.equals(interpret) && entry.form.equals(wanted)) {
        Match match = entry.rule.fullMatch(text);
        String said = match == null ? null : entry.rule.say(match, context);
        if (said != null) {
          return said;
        }
      }
    }
    return null;
  }
}
