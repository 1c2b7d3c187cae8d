package io.github.voicelet.signal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** Against what numpy 2 draws from {@code Generator(Philox(key=[k0, k1]))}. */
class PhiloxTest {
  @Test
  void drawsWhatNumpyDraws() {
    Philox random = new Philox(7, 3);
    assertEquals(0.4821286018761155, random.nextDouble());
    // An odd number of floats, then a double: the second half of a draw is kept meanwhile.
    String[] floats = {"0x1.2cfe34p-2", "0x1.72c1e4p-1", "0x1.5deb10p-4", "0x1.9bae40p-5", "0x1.535378p-3"};
    for (String value : floats) {
      assertEquals(Float.parseFloat(value), random.nextFloat());
    }
    assertEquals(0.6807485287933278, random.nextDouble());
    assertEquals(Float.parseFloat("0x1.43b6c0p-2"), random.nextFloat());
    assertEquals(0.9258067163090251, new Philox(Long.MAX_VALUE, 0).nextDouble());
  }

  @Test
  void goesOnAsNumpyDoes() {
    Philox random = new Philox(7, 3);
    random.nextDouble();
    double sum = 0;
    float last = 0;
    for (int i = 0; i < 100_001; i++) {
      last = random.nextFloat();
      sum += last;
    }
    assertEquals(0.5591953992843628f, last);
    assertEquals(49971.21471863985, sum, 1e-6);
  }
}
