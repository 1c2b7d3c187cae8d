package io.github.voicelet.synth;

import io.github.voicelet.signal.BandMatrix;
import io.github.voicelet.signal.FastMath;
import io.github.voicelet.signal.MelScale;

/**
 * Between the bins of a synthesis STFT, mel bands and wider bands: what {@link Correction} compares.  Immutable.
 *
 * <p>Bands are a little wider than the mel's lowest, which tell the gaps between harmonics: a predicted mel has them shallower
 * than speech has, and noise would fill them.
 */
final class Bands {
  private static final float MOST_CORRECTED = 2f; // natural log; a band is brought up or down by at most this much
  private static final double LEAST_HALF_WIDTH_HZ = 50.0;
  private static final float FLOOR = 1e-6f;
  private static final float LOWEST_LOG = -14f; // a little below the floor
  private static final float HIGHEST_LOG = 14f;

  final int count;
  private final BandMatrix ofBins;
  private final BandMatrix ofMels;
  private final int[] below; // of each bin, the band whose centre lies below it
  private final float[] share; // of the band above

  /**
   * Lay bands out.
   *
   * @param bands of the mel.
   * @param size of the STFT, in samples.
   */
  Bands(int bands, double lowHz, double highHz, int rateHz, int size) {
    count = bands;
    double[] edges = MelScale.edgesHz(bands, lowHz, highHz);
    float[][] bank = MelScale.filterbank(edges, size, rateHz);
    int bins = size / 2 + 1;
    for (float[] filter : bank) {
      float sum = 0;
      for (float weight : filter) {
        sum += weight;
      }
      sum = Math.max(sum, 1e-9f);
      for (int i = 0; i < bins; i++) {
        filter[i] /= sum;
      }
    }
    double[] centres = new double[bands];
    System.arraycopy(edges, 1, centres, 0, bands);
    double[][] wide = wide(centres);
    float[][] ofBinsRows = new float[bins][bands];
    float[][] ofMelsRows = new float[bands][bands];
    for (int to = 0; to < bands; to++) {
      for (int bin = 0; bin < bins; bin++) {
        double sum = 0;
        for (int from = 0; from < bands; from++) {
          sum += wide[to][from] * bank[from][bin];
        }
        ofBinsRows[bin][to] = (float) sum;
      }
      for (int from = 0; from < bands; from++) {
        ofMelsRows[from][to] = (float) wide[to][from];
      }
    }
    ofBins = new BandMatrix(ofBinsRows);
    ofMels = new BandMatrix(ofMelsRows);
    below = new int[bins];
    share = new float[bins];
    interpolate(centres, (double) rateHz / size);
  }

  private static double[][] wide(double[] centres) {
    int bands = centres.length;
    double[][] wide = new double[bands][bands];
    double[] spacing = new double[bands];
    for (int i = 0; i < bands; i++) {
      int low = Math.max(0, i - 1);
      int high = Math.min(bands - 1, i + 1);
      spacing[i] = (centres[high] - centres[low]) / (high - low);
    }
    for (int to = 0; to < bands; to++) {
      double reach = Math.max(LEAST_HALF_WIDTH_HZ, spacing[to]);
      double sum = 0;
      for (int from = 0; from < bands; from++) {
        wide[to][from] = Math.max(0.0, 1.0 - Math.abs(centres[from] - centres[to]) / reach) * spacing[from];
        sum += wide[to][from];
      }
      for (int from = 0; from < bands; from++) {
        wide[to][from] /= sum;
      }
    }
    return wide;
  }

  /** Linear between the bands' centres, and level outside. */
  private void interpolate(double[] centres, double binHz) {
    int band = 0;
    for (int bin = 0; bin < below.length; bin++) {
      double hz = bin * binHz;
      while (band < centres.length - 2 && centres[band + 1] <= hz) {
        band++;
      }
      double place = (hz - centres[band]) / (centres[band + 1] - centres[band]);
      below[bin] = band;
      share[bin] = (float) Math.max(0.0, Math.min(1.0, place));
    }
  }

  /** Working memory of one clause for {@link #gains}. */
  static final class Scratch {
    private final float[] target;
    private final float[] wanted;
    private final float[] there;

    Scratch(int bands) {
      target = new float[bands];
      wanted = new float[bands];
      there = new float[bands];
    }
  }

  /**
   * What brings a spectrum to its target.
   *
   * @param magnitude [bins].
   * @param targets natural log magnitudes of the mel's bands, from {@code offset} on.
   * @param part of the way, in decibels.
   * @param gains takes [bins], linear.
   */
  void gains(float[] magnitude, float[] targets, int offset, float part, Scratch scratch, float[] gains) {
    System.arraycopy(targets, offset, scratch.target, 0, count);
    FastMath.exp(scratch.target, LOWEST_LOG, HIGHEST_LOG, scratch.target);
    ofMels.multiply(scratch.target, scratch.wanted);
    ofBins.multiply(magnitude, scratch.there);
    float[] missing = scratch.target;
    for (int i = 0; i < count; i++) {
      double log = Math.log(Math.max(scratch.wanted[i], FLOOR) / (double) Math.max(scratch.there[i], FLOOR));
      missing[i] = (float) log;
      missing[i] = Math.max(-MOST_CORRECTED, Math.min(MOST_CORRECTED, missing[i])) * part;
    }
    for (int i = 0; i < gains.length; i++) {
      float low = missing[below[i]];
      gains[i] = low + (missing[below[i] + 1] - low) * share[i];
    }
    FastMath.exp(gains, -MOST_CORRECTED, MOST_CORRECTED, gains);
  }
}
