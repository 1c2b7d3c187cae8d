package io.github.voicelet.synth;

import io.github.voicelet.signal.Windows;

/** A short tone at every word with a capital, for those who listen to what they write; for one clause. */
final class CapitalTones {
  private static final double TONE_HZ = 1760.0;
  private static final double TONE_S = 0.05;
  private static final double AHEAD_S = 0.03; // so that the word's first sound isn't covered
  private static final double PEAK = 0.12; // some 7 dB below the peaks of speech

  private final float[] tone;
  private final int[] starts;
  private int place;

  /**
   * For a clause.
   *
   * @param startsS when the words begin, in seconds of the clause, rising.
   */
  CapitalTones(double[] startsS, int rateHz) {
    starts = new int[startsS.length];
    tone = startsS.length == 0 ? new float[0] : Windows.hann(Math.max(2, (int) Math.rint(TONE_S * rateHz)));
    for (int i = 0; i < tone.length; i++) {
      tone[i] *= (float) (PEAK * Math.sin(2.0 * Math.PI * TONE_HZ * i / rateHz));
    }
    for (int i = 0; i < starts.length; i++) {
      starts[i] = Math.max(0, (int) Math.rint((startsS[i] - AHEAD_S) * rateHz));
    }
  }

  /** Add what falls into the next samples, in place, within [-1, 1]. */
  void add(float[] samples) {
    int first = place;
    place += samples.length;
    if (starts.length == 0) {
      return;
    }
    for (int start : starts) {
      int low = Math.max(start, first);
      int high = Math.min(start + tone.length, first + samples.length);
      for (int i = low; i < high; i++) {
        samples[i - first] += tone[i - start];
      }
    }
    for (int i = 0; i < samples.length; i++) {
      samples[i] = Math.max(-1f, Math.min(1f, samples[i]));
    }
  }
}
