package io.github.voicelet.trust.watermark;

/** Factors of the amplitudes of STFT frames. */
public final class FrameGains {
  private final float[][] table;
  private final int start;
  private final int rateHz;
  private final int hop;
  private final int place;

  FrameGains(float[][] table, int start, int rateHz, int hop, int place) {
    this.table = table;
    this.start = start;
    this.rateHz = rateHz;
    this.hop = hop;
    this.place = place;
  }

  /** Those of a frame, one for each bin; shared, not to be changed. */
  public float[] of(int frame) {
    long centre = start + Math.floorDiv((2L * frame + 1) * hop, 2L);
    long at = Math.floorMod(Math.floorDiv(centre * Pattern.FRAMES_PER_S, (long) rateHz) + place, Pattern.PERIOD_FRAMES);
    return table[(int) at / Pattern.SLOT_FRAMES];
  }
}
