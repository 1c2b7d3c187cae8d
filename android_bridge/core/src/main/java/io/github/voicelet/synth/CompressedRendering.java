package io.github.voicelet.synth;

import io.github.voicelet.signal.FloatQueue;

/** A clause that is spoken at the model's pace and heard at a higher one. */
final class CompressedRendering implements Rendering {
  /**
   * Up to this a model speaks as fast as it is asked to.  Beyond, its phones would be shorter than any that it learnt from, and
   * run together; so it speaks at its normal pace, and that is compressed.
   */
  static final double MODEL_SPEED = 2.0;

  // They don't depend on how much is asked for: the choice of windows turns on the last bits of the samples, so only equal
  // samples give equal speech, streamed or not.
  private static final int[] FIRST_STRETCHES = {48, 96, 192};
  private static final int STRETCH = 320;

  private final Rendering inner;
  private final int hop;
  private final double rate;
  private final TimeMap times;
  private final double[] endsS;
  private final SimilarityOverlapAdd joined;
  private final FloatQueue ready;
  private int stretches;
  private int rendered;
  private int given;

  /**
   * Compress a clause.
   *
   * @param inner renders it at the model's pace.
   * @param phones without pads.
   * @param factor by which it is faster, above 1.
   */
  CompressedRendering(Rendering inner, String phones, double factor, int hop, int rateHz) {
    this.inner = inner;
    this.hop = hop;
    rate = rateHz;
    times = new TimeMap(phones, inner.endsS(), inner.frames() * hop / rate, factor);
    endsS = inner.endsS().clone();
    for (int i = 0; i < endsS.length; i++) {
      endsS[i] = times.heard(endsS[i]);
    }
    int half = SimilarityOverlapAdd.halfWindow(rateHz);
    int[] centres = new int[(frames() * hop + half - 1) / half + 1];
    for (int i = 0; i < centres.length; i++) {
      centres[i] = (int) Math.rint(times.spoken(i * (half / rate)) * rate);
    }
    joined = new SimilarityOverlapAdd(centres, rateHz);
    ready = new FloatQueue(64 * hop);
  }

  @Override
  public int frames() {
    return Math.max(1, (int) Math.ceil(times.heard(inner.frames() * hop / rate) * rate / hop));
  }

  @Override
  public double[] endsS() {
    return endsS;
  }

  @Override
  public void advance(int last, FloatQueue out) {
    int needed = joined.needed(last * hop);
    while (rendered < inner.frames() && rendered * hop < needed) {
      int stretch = stretches < FIRST_STRETCHES.length ? FIRST_STRETCHES[stretches++] : STRETCH;
      int target = Math.min(inner.frames(), rendered + stretch);
      inner.advance(target, joined.wave());
      rendered = target;
    }
    int wanted = Math.min(last, frames()) * hop;
    joined.advance(wanted, rendered >= inner.frames(), ready);
    int count = Math.min(wanted - given, ready.size());
    given = wanted;
    out.add(ready.array(), ready.start(), count);
    ready.drop(count);
  }
}
