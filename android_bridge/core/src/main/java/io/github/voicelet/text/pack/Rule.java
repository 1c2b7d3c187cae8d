package io.github.voicelet.text.pack;

import io.github.voicelet.text.pack.pattern.Match;
import io.github.voicelet.text.pack.pattern.PortablePattern;

/** A pattern, matched where the scanner stands, and what to say. */
public final class Rule {
  /** What a rule says. */
  interface Handler {
    /**
     * A match as a string of words, in which "^" spells one and a lone mark is a mark; null where the rule doesn't
     * apply after all.
     */
    String say(Match match, RuleContext context);
  }

  private final PortablePattern pattern;
  private final Handler handler;

  /** Its id, for explanations and messages. */
  public final String name;

  /** Where it is written. */
  public final String file;

  Rule(PortablePattern pattern, Handler handler, String name, String file) {
    this.pattern = pattern;
    this.handler = handler;
    this.name = name;
    this.file = file;
  }

  /** What stands at a place of the context's text; null where it isn't this. */
  public Match match(String text, int at) {
    return pattern.match(text, at);
  }

  /** What stands as the whole of a text; null where it isn't this. */
  Match fullMatch(String text) {
    return pattern.fullMatch(text);
  }

  PortablePattern pattern() {
    return pattern;
  }

  boolean mayBegin(int code) {
    return pattern.mayBegin(code);
  }

  /** What is said of a match; null where the rule doesn't apply after all. */
  public String say(Match match, RuleContext context) {
    return handler.say(match, context);
  }
}
