package io.github.voicelet.profiles;

/** Numbers of 16 bits (IEEE 754 binary16), rounded to the nearest, halves to even, as NumPy does. */
final class Half {
  private static final int MANTISSA_BITS = 10;
  private static final int SMALLEST_EXPONENT = -14;

  private Half() {}

  /** Its bits; what is too large becomes infinite. */
  static short bits(float value) {
    int sign = Float.floatToRawIntBits(value) >>> 16 & 0x8000;
    if (Float.isNaN(value)) {
      return (short) (sign | 0x7E00);
    }
    double size = Math.abs((double) value);
    int exponent = Math.max(Math.getExponent(size), SMALLEST_EXPONENT);
    double steps = Math.rint(Math.scalb(size, MANTISSA_BITS - exponent)); // exact but for the rounding
    if (exponent > 15 || (exponent == 15 && steps >= 2048)) {
      return (short) (sign | 0x7C00);
    }
    // A carry into the next exponent comes out right by the addition; below 1024 steps it is subnormal.
    int body = ((exponent - SMALLEST_EXPONENT) << MANTISSA_BITS) + (int) steps;
    return (short) (sign | body);
  }

  /** Inverse of {@link #bits}. */
  static float value(short bits) {
    int exponent = bits >>> MANTISSA_BITS & 0x1F;
    int mantissa = bits & 0x3FF;
    float size;
    if (exponent == 0x1F) {
      size = mantissa == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
    } else if (exponent == 0) {
      size = Math.scalb((float) mantissa, SMALLEST_EXPONENT - MANTISSA_BITS);
    } else {
      size = Math.scalb((float) (mantissa + 1024), exponent - 15 - MANTISSA_BITS);
    }
    return bits < 0 ? -size : size;
  }
}
