package io.github.voicelet.text;

import java.util.Collections;
import java.util.List;

/** A stretch of text that is synthesized in one piece. */
final class Clause {
  /** Words and marks, in order. Empty where only a pause or marks are left to give. */
  final List<Token> tokens;

  /** Silence to add after it, in milliseconds. */
  final int pauseAfterMs;

  /** Factors for the whole clause. */
  final Prosody prosody;

  /** Names of the SSML marks reached just before it. */
  final List<String> marks;

  /** Whether a sentence ends with it. */
  final boolean sentenceEnd;

  /** SSML marks reached later, in order. */
  final List<InnerMark> innerMarks;

  /** Whether it stands in parentheses. */
  final boolean aside;

  /** Whether SSML asked for the pause, which then doesn't change with the speed. */
  final boolean pauseIsFixed;

  Clause(
      List<Token> tokens,
      int pauseAfterMs,
      Prosody prosody,
      List<String> marks,
      boolean sentenceEnd,
      List<InnerMark> innerMarks,
      boolean aside,
      boolean pauseIsFixed) {
    this.tokens = tokens;
    this.pauseAfterMs = pauseAfterMs;
    this.prosody = prosody;
    this.marks = marks;
    this.sentenceEnd = sentenceEnd;
    this.innerMarks = innerMarks;
    this.aside = aside;
    this.pauseIsFixed = pauseIsFixed;
  }

  /** A clause of words and marks, and nothing else. */
  static Clause of(List<Token> tokens) {
    return new Clause(
        tokens, 0, Prosody.PLAIN, Collections.<String>emptyList(), false, Collections.<InnerMark>emptyList(), false, false);
  }

  /** The same clause with other tokens. */
  Clause with(List<Token> others) {
    return new Clause(others, pauseAfterMs, prosody, marks, sentenceEnd, innerMarks, aside, pauseIsFixed);
  }
}
