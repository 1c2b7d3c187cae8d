package io.github.voicelet.signal;

/**
 * Elementary functions of many numbers in single precision, several times as fast as {@link Math}'s one by one.
 *
 * <p>Only additions and multiplications, without branches or tables, so that a compiler can do several numbers at once.
 */
public final class FastMath {
  private static final float ROUNDER = 12582912f; // 1.5 · 2^23: adding it and taking it off rounds to a whole number
  private static final float BY_PI = (float) (1.0 / Math.PI);
  // π in three parts, of which a whole number up to 2^12 times the first two is exact.
  private static final float PI_1 = 3.140625f;
  private static final float PI_2 = 9.67502593994140625e-4f;
  private static final float PI_3 = 1.509957990978376e-7f;

  private FastMath() {}

  /**
   * Powers of e, to 4e-6 of their size.
   *
   * @param x natural logs, held between {@code low} and {@code high}, which lie between -14 and 14.
   * @param out takes as many.
   */
  public static void exp(float[] x, float low, float high, float[] out) {
    int count = out.length;
    for (int i = 0; i < count; i++) {
      // A 32nd of the exponent by its series, then squared five times.
      float r = Math.max(low, Math.min(high, x[i])) * 0.03125f;
      float p = 2.4801587e-5f;
      p = p * r + 1.9841270e-4f;
      p = p * r + 1.3888889e-3f;
      p = p * r + 8.3333333e-3f;
      p = p * r + 4.1666667e-2f;
      p = p * r + 1.6666667e-1f;
      p = p * r + 0.5f;
      p = p * r + 1f;
      p = p * r + 1f;
      p = p * p;
      p = p * p;
      p = p * p;
      p = p * p;
      out[i] = p * p;
    }
  }

  /**
   * Sines, to 2e-7.
   *
   * @param x in radians, at most some 10^4 from zero.
   */
  public static void sin(float[] x, float[] out) {
    int count = out.length;
    for (int i = 0; i < count; i++) {
      float half = x[i] * BY_PI + ROUNDER - ROUNDER;
      float r = x[i] - half * PI_1 - half * PI_2 - half * PI_3;
      float odd = half - 2f * (half * 0.5f + ROUNDER - ROUNDER); // 1 or -1, or 0 where it is even
      float z = r * r;
      float s = -2.5052108e-8f;
      s = s * z + 2.7557319e-6f;
      s = s * z - 1.9841270e-4f;
      s = s * z + 8.3333333e-3f;
      s = s * z - 1.6666667e-1f;
      out[i] = (s * z * r + r) * (1f - 2f * odd * odd);
    }
  }

  /**
   * Numbers of the complex plane from their magnitudes and angles, to 3e-7 of their size.
   *
   * @param angle in radians, at most some 10^4 from zero.
   * @param re takes magnitude · cos(angle); may be {@code magnitude} itself.
   * @param im takes magnitude · sin(angle); may be {@code angle} itself.
   */
  public static void polar(float[] magnitude, float[] angle, float[] re, float[] im) {
    int count = re.length;
    for (int i = 0; i < count; i++) {
      float x = angle[i];
      float half = x * BY_PI + ROUNDER - ROUNDER;
      float r = x - half * PI_1 - half * PI_2 - half * PI_3;
      float odd = half - 2f * (half * 0.5f + ROUNDER - ROUNDER);
      float size = magnitude[i] * (1f - 2f * odd * odd);
      float z = r * r;
      float s = -2.5052108e-8f;
      s = s * z + 2.7557319e-6f;
      s = s * z - 1.9841270e-4f;
      s = s * z + 8.3333333e-3f;
      s = s * z - 1.6666667e-1f;
      float c = 2.0876757e-9f;
      c = c * z - 2.7557319e-7f;
      c = c * z + 2.4801587e-5f;
      c = c * z - 1.3888889e-3f;
      c = c * z + 4.1666667e-2f;
      c = c * z - 0.5f;
      re[i] = size * (c * z + 1f);
      im[i] = size * (s * z * r + r);
    }
  }
}
