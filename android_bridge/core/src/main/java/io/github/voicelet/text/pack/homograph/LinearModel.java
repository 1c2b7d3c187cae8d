package io.github.voicelet.text.pack.homograph;

import io.github.voicelet.PackException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.CRC32;

/**
 * A small linear model of which reading of a homograph is meant, with integer weights.
 *
 * <p>A reading's score is a sum of int8 weights, one for each feature of the words around that the model knows, so
 * that every implementation gets the same score to the bit. File (little-endian): the eight bytes {@code VLHOMOG1},
 * the number of features (uint32), their numbers in ascending order (uint32), their weights (int8). A feature's
 * number is the CRC-32 of the UTF-8 bytes of {@code PREFIX TAB FEATURE}.
 */
final class LinearModel {
  private static final byte[] MAGIC = "VLHOMOG1".getBytes(StandardCharsets.US_ASCII);
  private static final int HEAD = 12;
  private static final int MAX_FEATURES = 1 << 20;
  private static final String REMEDY = "install the language pack again";

  /** With the sign bit turned, so that they ascend as Java compares. */
  private final int[] numbers;

  private final byte[] weights;

  /**
   * From the bytes of its file.
   *
   * @throws PackException it isn't such a file, or damaged.
   */
  LinearModel(byte[] data) {
    if (data.length < HEAD || !startsWithMagic(data)) {
      throw new PackException("these are no homograph weights; " + REMEDY);
    }
    ByteBuffer buffer = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    long count = buffer.getInt(MAGIC.length) & 0xFFFFFFFFL;
    if (count == 0 || count > MAX_FEATURES || data.length != HEAD + 5 * count) {
      throw new PackException("the homograph weights are damaged; " + REMEDY);
    }
    numbers = new int[(int) count];
    weights = new byte[numbers.length];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = buffer.getInt(HEAD + 4 * i) ^ Integer.MIN_VALUE;
      weights[i] = data[HEAD + 4 * numbers.length + i];
      if (i > 0 && numbers[i - 1] >= numbers[i]) {
        throw new PackException("the homograph weights are out of order; " + REMEDY);
      }
    }
  }

  private static boolean startsWithMagic(byte[] data) {
    for (int i = 0; i < MAGIC.length; i++) {
      if (data[i] != MAGIC[i]) {
        return false;
      }
    }
    return true;
  }

  /** The sum of the weights of the features that are known under a prefix ({@code WORD|SENSE} or {@code |GROUP}). */
  int score(String prefix, List<byte[]> features) {
    byte[] start = (prefix + "\t").getBytes(StandardCharsets.UTF_8);
    CRC32 crc = new CRC32();
    int sum = 0;
    for (byte[] feature : features) {
      crc.reset();
      crc.update(start, 0, start.length);
      crc.update(feature, 0, feature.length);
      int place = java.util.Arrays.binarySearch(numbers, (int) crc.getValue() ^ Integer.MIN_VALUE);
      sum += place >= 0 ? weights[place] : 0;
    }
    return sum;
  }
}
