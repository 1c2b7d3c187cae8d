package io.github.voicelet.text.pack;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Rules by the code point that they may begin with, so that few are tried at a place. Threads may share one. */
public final class RuleIndex {
  private static final int INDEXED = 2048;

  private final List<Rule> rules;
  private final Map<Integer, Rule[]> byCode = new ConcurrentHashMap<>();

  /** In the order of trying. */
  RuleIndex(List<Rule> rules) {
    this.rules = rules;
  }

  /** Whether there are none. */
  public boolean isEmpty() {
    return rules.isEmpty();
  }

  /** The rules, in order. */
  List<Rule> all() {
    return rules;
  }

  /** The rules to try where a code point stands, in order. */
  public Rule[] at(int code) {
    Rule[] found = byCode.get(code);
    if (found == null) {
      if (byCode.size() >= INDEXED) {
        byCode.clear();
      }
      List<Rule> may = new ArrayList<>();
      for (Rule rule : rules) {
        if (rule.mayBegin(code)) {
          may.add(rule);
        }
      }
      found = may.toArray(new Rule[0]);
      byCode.put(code, found);
    }
    return found;
  }
}
