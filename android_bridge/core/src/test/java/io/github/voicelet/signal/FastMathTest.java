package io.github.voicelet.signal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class FastMathTest {
  private static final int COUNT = 100_003;

  private static float[] between(float low, float high) {
    float[] x = new float[COUNT];
    for (int i = 0; i < COUNT; i++) {
      x[i] = low + (high - low) * i / (COUNT - 1);
    }
    return x;
  }

  @Test
  void powersOfEAreExactToFourPartsInAMillion() {
    float[] x = between(-20f, 20f);
    float[] out = new float[COUNT];
    FastMath.exp(x, -14f, 6f, out);
    for (int i = 0; i < COUNT; i++) {
      double wanted = Math.exp(Math.max(-14f, Math.min(6f, x[i])));
      assertEquals(wanted, out[i], 4e-6 * wanted);
    }
  }

  @Test
  void sinesAndCosinesAreExactFarFromZeroToo() {
    float[] x = between(-3000f, 3000f);
    float[] sines = new float[COUNT];
    FastMath.sin(x, sines);
    float[] sizes = between(1f, 2f);
    float[] re = sizes.clone();
    float[] im = x.clone();
    FastMath.polar(re, im, re, im); // in place
    for (int i = 0; i < COUNT; i++) {
      assertEquals(Math.sin(x[i]), sines[i], 3e-7);
      assertEquals(sizes[i] * Math.cos(x[i]), re[i], 6e-7);
      assertEquals(sizes[i] * Math.sin(x[i]), im[i], 6e-7);
    }
  }
}
