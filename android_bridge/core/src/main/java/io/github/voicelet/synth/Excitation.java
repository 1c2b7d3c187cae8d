package io.github.voicelet.synth;

import io.github.voicelet.signal.FastMath;
import io.github.voicelet.signal.FloatQueue;
import io.github.voicelet.signal.Philox;

/**
 * The pulses and the noise of one clause, which the vocoder filters.
 *
 * <p>The harmonic source is the sum of cos(k·φ) over all harmonics below 11.5 kHz, in closed form (the Dirichlet kernel), as in
 * neural source-filter models (Wang et al. 2019).  Both sources are drawn in blocks of one hop between the centres of two frames;
 * phase and generator run on, so the samples don't depend on how a clause is cut into stretches.
 */
final class Excitation {
  private static final float MAX_HARMONIC_HZ = 11500f;
  private static final double NOISE_POWER_OF_WINDOW = 0.375; // mean of a squared Hann window
  private static final float PI = (float) Math.PI;

  private final int hop;
  private final double rate;
  private final Philox random;
  private final float noiseScale;
  private final float[] ramp;
  private final float[] half; // of the phase, in radians
  private final float[] order; // of the highest harmonic
  private final float[] below; // sines of half the phase
  private final float[] many; // sines of half the phase, times the number of harmonics and their mirrors
  private double cycles;

  Excitation(int hop, int rateHz, int window, Philox random) {
    this.hop = hop;
    this.rate = rateHz;
    this.random = random;
    // Uniform draws are cheaper than normal ones, and over a window their spectra are alike.
    noiseScale = (float) Math.sqrt(12.0 / (NOISE_POWER_OF_WINDOW * window));
    cycles = random.nextDouble();
    half = new float[hop];
    order = new float[hop];
    below = new float[hop];
    many = new float[hop];
    ramp = new float[hop];
    for (int i = 0; i < hop; i++) {
      ramp[i] = (float) ((i + 0.5) / hop);
    }
  }

  /**
   * Draw the block between two frame centres.
   *
   * @param logF0 at the first centre, natural log of Hz.
   * @param nextLogF0 at the second.
   * @param voicing at the first, 0 or 1.
   * @param nextVoicing at the second.
   * @param skip samples at its beginning that aren't heard.
   * @param count samples that are, behind those.
   */
  void harmonic(
      float logF0, float nextLogF0, float voicing, float nextVoicing, int skip, int count, FloatQueue out) {
    boolean heard = voicing > 0f || nextVoicing > 0f;
    // log f0 is a straight line from centre to centre, so f0 grows by one factor from sample to sample.  The sum is taken in
    // double precision, for the phase of a long clause is a large number.
    double slope = ((double) nextLogF0 - logF0) / hop;
    double f0 = Math.exp(logF0 + 0.5 * slope);
    double growth = Math.exp(slope);
    double sum = 0;
    for (int i = 0; i < hop; i++) {
      sum += f0;
      double turn = sum / rate + cycles;
      half[i] = (float) (turn - (long) turn) * PI;
      order[i] = (float) (int) (MAX_HARMONIC_HZ / (float) f0);
      f0 *= growth;
    }
    double last = sum / rate + cycles;
    cycles = last - (long) last;
    if (!heard) {
      out.addZeros(count);
      return;
    }
    for (int i = 0; i < hop; i++) {
      many[i] = (2f * order[i] + 1f) * half[i];
    }
    FastMath.sin(half, below);
    FastMath.sin(many, many);
    float rise = nextVoicing - voicing;
    int at = out.grow(count);
    float[] samples = out.array();
    for (int i = skip; i < skip + count; i++) {
      boolean small = Math.abs(below[i]) < 1e-3f;
      float pulse = small ? order[i] : many[i] / (2f * below[i]) - 0.5f;
      samples[at + i - skip] = pulse * (voicing + rise * ramp[i]) / hop;
    }
  }

  /** Draw a block of white noise; see {@link #harmonic}. */
  void noise(int skip, int count, FloatQueue out) {
    int at = out.grow(count) - skip;
    float[] samples = out.array();
    for (int i = 0; i < hop; i++) {
      float drawn = (random.nextFloat() - 0.5f) * noiseScale;
      if (i >= skip && i < skip + count) {
        samples[at + i] = drawn;
      }
    }
  }
}
