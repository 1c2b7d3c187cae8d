package io.github.voicelet.trust.watermark;

/** The mark of one clause, for the code that renders it. */
public final class ClauseMark {
  private final Watermark watermark;
  private final int place;

  ClauseMark(Watermark watermark, int place) {
    this.watermark = watermark;
    this.place = place;
  }

  /**
   * The mark of STFT frames that are centred on {@code offset + (i + 0.5) · hop} in the clause.
   *
   * @param hop of the STFT, in samples.
   * @param size of the STFT, in samples.
   */
  public FrameGains frames(int rateHz, int hop, int size, int offset) {
    return new FrameGains(watermark.table(rateHz, size), offset, rateHz, hop, place);
  }
}
