package io.github.voicelet.text;

/** A word that the writer emphasized (SSML emphasis). */
public final class Accent {
  /** How much. */
  public final Emphasis level;
  /** Its first phone. */
  public final int start;
  /** The phone behind its last. */
  public final int end;

  public Accent(Emphasis level, int start, int end) {
    this.level = level;
    this.start = start;
    this.end = end;
  }
}
