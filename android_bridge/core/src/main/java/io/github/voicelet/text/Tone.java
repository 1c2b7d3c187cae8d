package io.github.voicelet.text;

/** Where the pitch turns because of what a sentence is, not because of its phones. */
public final class Tone {
  /** How it turns. */
  public enum Turn {
    /** At the end of a question. */
    RISE,
    /** At the end of a list or a choice. */
    FALL,
    /** A little up, where more is to come. */
    GO_ON,
    /** Higher as a whole, where a capital is to be heard. */
    CAPITAL
  }

  public final Turn turn;
  /** Its first phone: the last stressed vowel, or a whole word's first. */
  public final int start;
  /** The phone behind its last. */
  public final int end;

  public Tone(Turn turn, int start, int end) {
    this.turn = turn;
    this.start = start;
    this.end = end;
  }
}
