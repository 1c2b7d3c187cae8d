package io.github.voicelet.synth;

/** When a word is heard. */
public final class WordTiming {
  private final String text;
  private final int start;
  private final int end;
  private final double startS;
  private final double endS;

  WordTiming(String text, int start, int end, double startS, double endS) {
    this.text = text;
    this.start = start;
    this.end = end;
    this.startS = startS;
    this.endS = endS;
  }

  /** The word as it was said ("twenty"). */
  public String text() {
    return text;
  }

  /** Where it begins in the caller's text, in chars (UTF-16). */
  public int start() {
    return start;
  }

  /** Where it ends in the caller's text, in chars (UTF-16). */
  public int end() {
    return end;
  }

  /** Seconds from the beginning of the stream. */
  public double startS() {
    return startS;
  }

  /** Seconds from the beginning of the stream. */
  public double endS() {
    return endS;
  }
}
