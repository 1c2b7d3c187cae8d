package io.github.voicelet.signal;

/**
 * Mel bands: triangular filters between points that are evenly spaced on Slaney's mel scale (linear below 1 kHz, logarithmic
 * above; Auditory Toolbox, 1998).
 */
public final class MelScale {
  private static final double LOG_STEP = Math.log(6.4) / 27.0;

  private MelScale() {}

  static double hzToMel(double hz) {
    return hz < 1000.0 ? hz * 3.0 / 200.0 : 15.0 + Math.log(hz / 1000.0) / LOG_STEP;
  }

  static double melToHz(double mel) {
    return mel < 15.0 ? mel * 200.0 / 3.0 : 1000.0 * Math.exp((mel - 15.0) * LOG_STEP);
  }

  /** Edges of the bands in Hz: band i rises from edge i to i + 1 and falls to i + 2. */
  public static double[] edgesHz(int bands, double lowHz, double highHz) {
    double low = hzToMel(lowHz);
    double step = (hzToMel(highHz) - low) / (bands + 1);
    double[] edges = new double[bands + 2];
    for (int i = 0; i < edges.length; i++) {
      edges[i] = melToHz(low + i * step);
    }
    return edges;
  }

  /**
   * Triangular filters of unit area.
   *
   * @param size of the FFT, in samples.
   * @return [bands][size / 2 + 1].
   */
  public static float[][] filterbank(double[] edgesHz, int size, int rateHz) {
    float[][] out = new float[edgesHz.length - 2][size / 2 + 1];
    for (int band = 0; band < out.length; band++) {
      double low = edgesHz[band];
      double centre = edgesHz[band + 1];
      double high = edgesHz[band + 2];
      for (int bin = 0; bin <= size / 2; bin++) {
        double hz = (double) bin * rateHz / size;
        double weight = Math.min((hz - low) / (centre - low), (high - hz) / (high - centre));
        out[band][bin] = (float) (Math.max(0.0, weight) * (2.0 / (high - low)));
      }
    }
    return out;
  }
}
