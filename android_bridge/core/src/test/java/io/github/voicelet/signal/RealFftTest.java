package io.github.voicelet.signal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RealFftTest {
  @ParameterizedTest
  @ValueSource(ints = {2, 4, 6, 10, 14, 16, 30, 98, 242, 256, 1200, 2048})
  void isTheTransformOfItsDefinitionAndBack(int size) {
    Random random = new Random(size);
    float[] samples = new float[size + 3];
    float[] window = new float[size];
    for (int i = 0; i < size; i++) {
      samples[i + 3] = random.nextFloat() - 0.5f;
      window[i] = 0.5f + random.nextFloat();
    }
    RealFft fft = new RealFft(size);
    float[] re = new float[fft.bins()];
    float[] im = new float[fft.bins()];
    fft.forward(samples, 3, window, re, im);
    double tolerance = 1e-6 * Math.sqrt(size) + 1e-6;
    for (int k = 0; k < fft.bins(); k++) {
      double wantedRe = 0;
      double wantedIm = 0;
      for (int i = 0; i < size; i++) {
        double value = (double) samples[i + 3] * window[i];
        wantedRe += value * Math.cos(2 * Math.PI * k * i / size);
        wantedIm -= value * Math.sin(2 * Math.PI * k * i / size);
      }
      assertEquals(wantedRe, re[k], tolerance);
      assertEquals(wantedIm, im[k], tolerance);
    }
    float[] back = new float[size];
    float[] ones = new float[size];
    Arrays.fill(ones, 2f);
    fft.inverse(re, im, ones, back);
    for (int i = 0; i < size; i++) {
      assertEquals(2 * samples[i + 3] * window[i], back[i], 2e-6);
    }
  }

  @Test
  void refusesOddSizes() {
    assertThrows(IllegalArgumentException.class, () -> new RealFft(15));
    assertThrows(IllegalArgumentException.class, () -> new RealFft(0));
  }
}
