package io.github.voicelet.synth;

import io.github.voicelet.signal.FloatQueue;
import io.github.voicelet.signal.RealFft;
import io.github.voicelet.signal.Windows;
import io.github.voicelet.trust.watermark.ClauseMark;
import io.github.voicelet.trust.watermark.FrameGains;
import java.util.Arrays;

/**
 * The mark for samples, not spectra: a streaming STFT filter by sine windows a quarter apart (their squares sum to 2).
 *
 * <p>It marks one clause that comes in pieces.
 */
final class MarkFilter {
  private static final int OVERLAP = 4; // hops in a window
  private static final int FRAMES_PER_S = 80; // the pattern's

  private final int hop;
  private final int size;
  private final RealFft fft;
  private final float[] analysis;
  private final float[] synthesis;
  private final FrameGains gains;
  private final FloatQueue pending;
  private final float[] sum;
  private final float[] frame;
  private final float[] re;
  private final float[] im;
  private int at;
  private int taken;
  private int out; // below zero while what lies before the clause goes out

  MarkFilter(ClauseMark mark, int rateHz) {
    hop = Math.max(2, (int) Math.rint((double) rateHz / FRAMES_PER_S));
    size = OVERLAP * hop;
    fft = new RealFft(size);
    analysis = Windows.hann(size);
    synthesis = new float[size];
    for (int i = 0; i < size; i++) {
      analysis[i] = (float) Math.sqrt(analysis[i]);
      synthesis[i] = 0.5f * analysis[i];
    }
    // Window k begins at sample (k - 3) · hop, so that the first that touch the clause count.
    gains = mark.frames(rateHz, hop, size, -hop - hop / 2);
    pending = new FloatQueue(4 * size);
    pending.addZeros(size - hop);
    sum = new float[size];
    frame = new float[size];
    re = new float[fft.bins()];
    im = new float[fft.bins()];
    out = hop - size;
  }

  /** The output lags the input by at most so many samples. */
  int delay() {
    return size;
  }

  /**
   * Mark the next samples of the clause.
   *
   * @param samples taken, all of them.
   * @param last no more will come; what was held back is given, too.
   * @param marked takes in all as many as were taken.
   */
  void filter(FloatQueue samples, boolean last, FloatQueue marked) {
    taken += samples.size();
    pending.add(samples.array(), samples.start(), samples.size());
    samples.drop(samples.size());
    if (last) {
      pending.addZeros(size - 1);
    }
    while (pending.size() >= size) {
      fft.forward(pending.array(), pending.start(), analysis, re, im);
      float[] factors = gains.of(at++);
      for (int k = 0; k < re.length; k++) {
        re[k] *= factors[k];
        im[k] *= factors[k];
      }
      fft.inverse(re, im, synthesis, frame);
      for (int i = 0; i < size; i++) {
        sum[i] += frame[i];
      }
      int skip = Math.min(Math.max(0, -out), hop);
      int count = Math.min(hop - skip, Math.max(0, taken - Math.max(0, out)));
      marked.add(sum, skip, count);
      out += skip + count;
      System.arraycopy(sum, hop, sum, 0, size - hop);
      Arrays.fill(sum, size - hop, size, 0f);
      pending.drop(hop);
    }
  }
}
