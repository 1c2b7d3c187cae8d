package io.github.voicelet.signal;

/**
 * The discrete Fourier transform of real numbers and its inverse, of one even length.
 *
 * <p>Neighbouring samples are packed as complex numbers, so that a transform of half the length does.  An instance
 * holds working memory: one thread at a time.
 */
public final class RealFft {
  private final int size;
  private final int half;
  private final ComplexFft fft;
  private final float[] cos; // of e^(-2πi · k / size)
  private final float[] sin;

  /**
   * Prepare transforms.
   *
   * @param size samples, even.
   */
  public RealFft(int size) {
    if (size < 2 || size % 2 != 0) {
      throw new IllegalArgumentException("the size must be even, not " + size);
    }
    this.size = size;
    half = size / 2;
    fft = new ComplexFft(half);
    cos = new float[half + 1];
    sin = new float[half + 1];
    for (int k = 0; k <= half; k++) {
      cos[k] = (float) Math.cos(-2 * Math.PI * k / size);
      sin[k] = (float) Math.sin(-2 * Math.PI * k / size);
    }
  }

  /** How many bins a spectrum has: half the size, and one. */
  public int bins() {
    return half + 1;
  }

  /**
   * Transform windowed samples.
   *
   * @param samples from {@code offset} on.
   * @param window as long as the transform.
   * @param re real parts of the bins, from 0 Hz to half the rate.
   * @param im their imaginary parts.
   */
  public void forward(float[] samples, int offset, float[] window, float[] re, float[] im) {
    float[] zr = fft.re();
    float[] zi = fft.im();
    for (int i = 0; i < half; i++) {
      zr[i] = samples[offset + 2 * i] * window[2 * i];
      zi[i] = samples[offset + 2 * i + 1] * window[2 * i + 1];
    }
    fft.transform();
    zr = fft.re();
    zi = fft.im();
    re[0] = zr[0] + zi[0];
    im[0] = 0;
    re[half] = zr[0] - zi[0];
    im[half] = 0;
    for (int k = 1; k < half; k++) {
      int m = half - k;
      float evenRe = 0.5f * (zr[k] + zr[m]);
      float evenIm = 0.5f * (zi[k] - zi[m]);
      float oddRe = 0.5f * (zi[k] + zi[m]);
      float oddIm = 0.5f * (zr[m] - zr[k]);
      re[k] = evenRe + oddRe * cos[k] - oddIm * sin[k];
      im[k] = evenIm + oddRe * sin[k] + oddIm * cos[k];
    }
  }

  /**
   * Transform a spectrum back, and multiply by a window.
   *
   * @param samples takes as many as the transform is long.
   */
  public void inverse(float[] re, float[] im, float[] window, float[] samples) {
    float[] zr = fft.re();
    float[] zi = fft.im();
    // The inverse is the forward transform of the conjugate; imaginary parts are negated on both sides.
    zr[0] = 0.5f * (re[0] + re[half]);
    zi[0] = -0.5f * (re[0] - re[half]);
    for (int k = 1; k < half; k++) {
      int m = half - k;
      float evenRe = 0.5f * (re[k] + re[m]);
      float evenIm = 0.5f * (im[k] - im[m]);
      float differenceRe = 0.5f * (re[k] - re[m]);
      float differenceIm = 0.5f * (im[k] + im[m]);
      float oddRe = differenceRe * cos[k] + differenceIm * sin[k];
      float oddIm = differenceIm * cos[k] - differenceRe * sin[k];
      zr[k] = evenRe - oddIm;
      zi[k] = -(evenIm + oddRe);
    }
    fft.transform();
    zr = fft.re();
    zi = fft.im();
    float scale = 1f / half;
    for (int i = 0; i < half; i++) {
      samples[2 * i] = zr[i] * scale * window[2 * i];
      samples[2 * i + 1] = -zi[i] * scale * window[2 * i + 1];
    }
  }
}
