package io.github.voicelet.text;

/** An end that was reached, and waits for what follows it. */
final class ClauseEnd {
  int pauseMs;
  boolean sentence;
  boolean explicit;

  /** Whether a full stop is due if no mark stands there. */
  boolean closing;

  /** Whether a parenthesis closed. */
  boolean aside;

  ClauseEnd(int pauseMs, boolean sentence) {
    this.pauseMs = pauseMs;
    this.sentence = sentence;
  }

  static ClauseEnd explicit(int pauseMs) {
    ClauseEnd end = new ClauseEnd(pauseMs, false);
    end.explicit = true;
    return end;
  }

  static ClauseEnd closing(int pauseMs, boolean aside) {
    ClauseEnd end = new ClauseEnd(pauseMs, true);
    end.closing = true;
    end.aside = aside;
    return end;
  }
}
