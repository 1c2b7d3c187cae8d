package io.github.voicelet.trust.watermark;

import io.github.voicelet.TrustException;

/** What a mark says, in 32 bits, and the code that protects them. */
public final class Payload {
  /** Of the marking scheme. */
  public static final int VERSION = 1;

  static final int CODED_BITS = 132;
  private static final int PAYLOAD_BITS = 32;
  private static final int CRC_BITS = 12;
  private static final int CRC_POLYNOMIAL = 0x80F; // CRC-12/UMTS
  private static final int[] GENERATORS = {0133, 0171, 0165};
  private static final long EPOCH_DAY = 19_723; // 2024-01-01, a Monday; weeks are counted from it
  private static final long SECONDS_A_DAY = 86_400;

  private final int model;
  private final int week;
  private final int keyId;

  /**
   * A payload.
   *
   * @param model 8-bit digest of the voice bundle's name and version.
   * @param week weeks since 2024-01-01 in which it was spoken, modulo 4096.
   * @param keyId 0 for the public key, else 8 bits of the operator key's digest.
   * @throws TrustException one of them doesn't fit.
   */
  public Payload(int model, int week, int keyId) {
    if ((model & ~0xFF) != 0 || (week & ~0xFFF) != 0 || (keyId & ~0xFF) != 0) {
      throw new TrustException("the mark's model, week and key must fit 8, 12 and 8 bits");
    }
    this.model = model;
    this.week = week;
    this.keyId = keyId;
  }

  /** The week of a moment, in seconds since 1970. */
  static int week(long seconds) {
    return (int) Math.floorMod(Math.floorDiv(Math.floorDiv(seconds, SECONDS_A_DAY) - EPOCH_DAY, 7L), 4096L);
  }

  public int model() {
    return model;
  }

  public int week() {
    return week;
  }

  public int keyId() {
    return keyId;
  }

  /** All fields, the version highest. */
  int toInt() {
    return VERSION << 28 | model << 20 | week << 8 | keyId;
  }

  /**
   * The coded bits: a CRC-12 behind the payload, and a tail-biting convolutional code of rate 1/3 and constraint length 7
   * (Ma and Wolf, "On tail biting convolutional codes", 1986).
   *
   * @return [132] of 0 and 1.
   */
  byte[] encode() {
    long word = (toInt() & 0xFFFFFFFFL) << CRC_BITS | crc(toInt());
    int count = PAYLOAD_BITS + CRC_BITS;
    byte[] coded = new byte[CODED_BITS];
    for (int i = 0; i < count; i++) {
      // The register before bit i holds the six bits before it, round the circle; the newest is the highest.
      int register = 0;
      for (int k = 0; k < 7; k++) {
        int bit = Math.floorMod(i - k, count);
        register = register << 1 | (int) (word >>> (count - 1 - bit) & 1);
      }
      for (int g = 0; g < GENERATORS.length; g++) {
        coded[GENERATORS.length * i + g] = (byte) (Integer.bitCount(register & GENERATORS[g]) & 1);
      }
    }
    return coded;
  }

  private static int crc(int value) {
    int register = 0xFFF;
    for (int i = PAYLOAD_BITS - 1; i >= 0; i--) {
      int high = register >>> (CRC_BITS - 1) ^ (value >>> i & 1);
      register = register << 1 & 0xFFF;
      if (high != 0) {
        register ^= CRC_POLYNOMIAL;
      }
    }
    return register;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Payload && ((Payload) other).toInt() == toInt();
  }

  @Override
  public int hashCode() {
    return toInt();
  }

  @Override
  public String toString() {
    return "Payload(model=" + model + ", week=" + week + ", keyId=" + keyId + ")";
  }
}
