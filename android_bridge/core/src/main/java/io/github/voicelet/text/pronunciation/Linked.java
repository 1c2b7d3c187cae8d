package io.github.voicelet.text.pronunciation;

/** Two words after their ends have met. */
public final class Linked {
  public final String before;
  public final String after;
  /** There is no space between them. */
  public final boolean joined;

  Linked(String before, String after, boolean joined) {
    this.before = before;
    this.after = after;
    this.joined = joined;
  }
}
