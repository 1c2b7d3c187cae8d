package io.github.voicelet.synth;

/** Level, limiter and fades of one clause that comes in pieces. */
final class OutputStage {
  private static final float KNEE = 0.8f; // samples above this are limited, so that none passes 1
  private static final double FADE_S = 0.005;
  // Longer, so that what is left of a voice's noise doesn't stop short before a pause.
  private static final double FADE_OUT_S = 0.02;

  private final float gain;
  private final int rise;
  private final int fall;
  private int place;

  OutputStage(double gain, int rateHz) {
    this.gain = (float) gain;
    rise = Math.max(1, (int) (FADE_S * rateHz));
    fall = Math.max(1, (int) (FADE_OUT_S * rateHz));
  }

  /**
   * Bring the next samples to output level, in place: straight to 0.8, a tanh from there to 1; the first 5 ms and the last 20 ms
   * of the clause are faded.
   *
   * @param total samples of the clause, as far as is known.
   */
  void apply(float[] samples, int total) {
    for (int i = 0; i < samples.length; i++) {
      float scaled = samples[i] * gain;
      float size = Math.abs(scaled);
      if (size > KNEE) {
        scaled = Math.copySign(KNEE + (1f - KNEE) * (float) Math.tanh((size - KNEE) / (1f - KNEE)), scaled);
      }
      samples[i] = scaled;
    }
    int first = place;
    int half = Math.max(1, total / 2);
    place += samples.length;
    int length = Math.min(rise, half);
    for (int i = 0; i < samples.length && first + i < length; i++) {
      samples[i] *= (first + i + 0.5f) / length;
    }
    length = Math.min(fall, half);
    for (int i = Math.max(0, total - length - first); i < samples.length; i++) {
      samples[i] *= (total - first - i - 0.5f) / length;
    }
  }
}
