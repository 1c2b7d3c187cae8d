package io.github.voicelet.synth;

/** When an SSML mark is reached. */
public final class MarkTiming {
  private final String name;
  private final double timeS;

  MarkTiming(String name, double timeS) {
    this.name = name;
    this.timeS = timeS;
  }

  public String name() {
    return name;
  }

  /** Seconds from the beginning of the stream. */
  public double timeS() {
    return timeS;
  }
}
