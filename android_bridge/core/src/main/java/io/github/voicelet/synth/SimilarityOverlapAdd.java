package io.github.voicelet.synth;

import io.github.voicelet.signal.FloatQueue;
import io.github.voicelet.signal.Windows;

/**
 * Overlap-add of the stretches of a waveform that join best: WSOLA, as it streams.
 *
 * <p>Verhelst and Roelands 1993, "An overlap-add technique based on waveform similarity (WSOLA) for high quality time-scale
 * modification of speech".  Windows of 20 ms, half overlapping, are taken from where a time map says, each moved by up to 8 ms to
 * where it best goes on as the one before it did.  So periods stay whole, and pitch and timbre are kept.
 */
final class SimilarityOverlapAdd {
  private static final double HALF_S = 0.01;
  private static final double SEARCH_S = 0.008;
  private static final double LEAST_POWER = 1e-9;

  final int half;
  private final int search;
  private final int[] starts;
  private final float[] window;
  private final FloatQueue wave;
  private final float[] expected; // how the last window would go on
  private final float[] tail;
  private int origin; // the source's sample that the queue begins with
  private boolean begun;
  private int step;

  /**
   * For a clause.
   *
   * @param centres the sample of the source at which each window is to be centred; window k is centred on sample k · half of what
   *     is made.
   */
  SimilarityOverlapAdd(int[] centres, int rateHz) {
    half = halfWindow(rateHz);
    search = (int) Math.rint(SEARCH_S * rateHz);
    starts = new int[centres.length];
    for (int i = 0; i < centres.length; i++) {
      starts[i] = centres[i] - half;
    }
    window = Windows.hann(2 * half);
    int before = 2 * half + search;
    wave = new FloatQueue(8 * before);
    wave.addZeros(before);
    origin = -before;
    expected = new float[2 * half];
    tail = new float[half];
  }

  /** Samples of half a window. */
  static int halfWindow(int rateHz) {
    return (int) Math.rint(HALF_S * rateHz);
  }

  /** How many samples of the source make so many of the output. */
  int needed(int samples) {
    int at = Math.min((samples + half - 1) / half, starts.length - 1);
    return starts[at] + search + 3 * half;
  }

  /** Where the next samples of the source are put. */
  FloatQueue wave() {
    return wave;
  }

  /**
   * All further samples up to {@code samples} of the output, and up to half a window more.
   *
   * @param samples not past what the source given so far makes.
   * @param ended the source is at its end; silence follows.
   */
  void advance(int samples, boolean ended, FloatQueue out) {
    if (ended) {
      int end = origin + wave.size();
      wave.addZeros(Math.max(0, starts[starts.length - 1] + search + 3 * half - end));
    }
    int last = Math.min((samples + half - 1) / half + 1, starts.length);
    for (; step < last; step++) {
      int at = wave.start() + best(starts[step]);
      float[] data = wave.array();
      if (step > 0) {
        int to = out.grow(half);
        float[] joined = out.array();
        for (int i = 0; i < half; i++) {
          joined[to + i] = tail[i] + data[at + i] * window[i];
        }
      }
      for (int i = 0; i < half; i++) {
        tail[i] = data[at + half + i] * window[half + i];
      }
    }
    if (step < starts.length) {
      int drop = starts[step] - search - origin;
      if (drop > 0) { // no further window reaches back to it
        wave.drop(drop);
        origin += drop;
      }
    }
  }

  /** Where the window near {@code start} that follows best on the one before lies; remembers how it goes on. */
  private int best(int start) {
    int size = 2 * half;
    int at = start - origin;
    float[] data = wave.array();
    int base = wave.start();
    if (begun) {
      int low = Math.max(0, at - search);
      int count = at + search - low + 1;
      double power = 0;
      for (int i = 0; i < size; i++) {
        power += (double) data[base + low + i] * data[base + low + i];
      }
      float top = Float.NEGATIVE_INFINITY;
      int chosen = low;
      for (int i = 0; i < count; i++) {
        int from = base + low + i;
        float likeness = product(data, from) / (float) Math.sqrt(Math.max(0.0, power) + LEAST_POWER);
        if (likeness > top) {
          top = likeness;
          chosen = low + i;
        }
        if (i + 1 < count) {
          power += (double) data[from + size] * data[from + size] - (double) data[from] * data[from];
        }
      }
      at = chosen;
    }
    System.arraycopy(data, base + at + half, expected, 0, size);
    begun = true;
    return at;
  }

  /** Of what follows and what is expected, in four sums, none of which waits for another. */
  private float product(float[] data, int from) {
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    int quads = expected.length / 4 * 4;
    for (int k = 0; k < quads; k += 4) {
      a += data[from + k] * expected[k];
      b += data[from + k + 1] * expected[k + 1];
      c += data[from + k + 2] * expected[k + 2];
      d += data[from + k + 3] * expected[k + 3];
    }
    for (int k = quads; k < expected.length; k++) {
      a += data[from + k] * expected[k];
    }
    return a + b + (c + d);
  }
}
