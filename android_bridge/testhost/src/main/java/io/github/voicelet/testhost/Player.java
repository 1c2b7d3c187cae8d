package io.github.voicelet.testhost;

/**
 * The sound card: holds at most half a second of speech and plays it at a pace of its own.
 *
 * <p>Time here is a multiple of real time, so that a test needn't last as long as its speech.
 */
public final class Player {
  /** Android's own bound on what waits to be heard. */
  static final int CAPACITY_MS = 500;

  private final double pace;
  private final long stallMs;

  /**
   * @param pace how many seconds of speech are played in a second; infinite where nothing ever waits.
   * @param stallMs how long it stands still before it plays the first piece of each request, as a busy phone does.
   */
  public Player(double pace, long stallMs) {
    this.pace = pace;
    this.stallMs = stallMs;
  }

  long stallMs() {
    return stallMs;
  }

  /** How long it takes to play so much speech, in nanoseconds. */
  long nanosFor(int samples, int sampleRateHz) {
    return Double.isInfinite(pace) ? 0 : (long) (1e9 * samples / sampleRateHz / pace);
  }
}
