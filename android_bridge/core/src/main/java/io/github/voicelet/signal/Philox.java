package io.github.voicelet.signal;

/**
 * Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), drawn from as numpy's
 * {@code Generator(Philox(key=[k0, k1]))} is: equal keys give equal numbers, bit by bit.
 */
public final class Philox {
  private static final long MULTIPLIER_0 = 0xD2E7470EE14C6C93L;
  private static final long MULTIPLIER_1 = 0xCA5A826395121157L;
  private static final long WEYL_0 = 0x9E3779B97F4A7C15L;
  private static final long WEYL_1 = 0xBB67AE8584CAA73BL;
  private static final int ROUNDS = 10;
  private static final float FLOAT_STEP = 1f / (1 << 24);
  private static final double DOUBLE_STEP = 1.0 / (1L << 53);

  private final long key0;
  private final long key1;
  private final long[] block = new long[4];
  private long counter; // a clause doesn't reach the upper three words
  private int place = 4;
  private int half;
  private boolean hasHalf;

  public Philox(long key0, long key1) {
    this.key0 = key0;
    this.key1 = key1;
  }

  /** Uniform in [0, 1), 53 bits. */
  public double nextDouble() {
    return (nextLong() >>> 11) * DOUBLE_STEP;
  }

  /** Uniform in [0, 1), 24 bits; two of them come out of one draw of 64 bits, the low half first. */
  public float nextFloat() {
    return (nextInt() >>> 8) * FLOAT_STEP;
  }

  private int nextInt() {
    if (hasHalf) {
      hasHalf = false;
      return half;
    }
    long both = nextLong();
    half = (int) (both >>> 32);
    hasHalf = true;
    return (int) both;
  }

  private long nextLong() {
    if (place == 4) {
      counter++;
      fill();
      place = 0;
    }
    return block[place++];
  }

  private void fill() {
    long a = counter;
    long b = 0;
    long c = 0;
    long d = 0;
    long k0 = key0;
    long k1 = key1;
    for (int round = 0; round < ROUNDS; round++) {
      long high0 = multiplyHigh(MULTIPLIER_0, a);
      long low0 = MULTIPLIER_0 * a;
      long high1 = multiplyHigh(MULTIPLIER_1, c);
      long low1 = MULTIPLIER_1 * c;
      a = high1 ^ b ^ k0;
      b = low1;
      c = high0 ^ d ^ k1;
      d = low0;
      k0 += WEYL_0;
      k1 += WEYL_1;
    }
    block[0] = a;
    block[1] = b;
    block[2] = c;
    block[3] = d;
  }

  /** The upper half of an unsigned product; Android has Math.multiplyHigh only from API 31 on. */
  private static long multiplyHigh(long x, long y) {
    long xLow = x & 0xFFFFFFFFL;
    long xHigh = x >>> 32;
    long yLow = y & 0xFFFFFFFFL;
    long yHigh = y >>> 32;
    long middle = xHigh * yLow + (xLow * yLow >>> 32);
    long carry = xLow * yHigh + (middle & 0xFFFFFFFFL);
    return xHigh * yHigh + (middle >>> 32) + (carry >>> 32);
  }
}
