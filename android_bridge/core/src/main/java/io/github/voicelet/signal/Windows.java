package io.github.voicelet.signal;

/** Windows of spectral analysis. */
public final class Windows {
  private Windows() {}

  /** A periodic Hann window of so many samples. */
  public static float[] hann(int length) {
    float[] out = new float[length];
    for (int i = 0; i < length; i++) {
      out[i] = (float) (0.5 - 0.5 * Math.cos(2.0 * Math.PI * i / length));
    }
    return out;
  }
}
