package io.github.voicelet.trust.watermark;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.bouncycastle.crypto.digests.Blake2bDigest;
import org.bouncycastle.crypto.digests.SHAKEDigest;

/**
 * Where the mark lies: which tiles of time and frequency are raised and which are lowered.
 *
 * <p>Time runs in frames of 12.5 ms.  Four frames are a slot, two slots a tile: a tile that is raised in its first slot is
 * lowered in its second.  Twenty tiles, and the pattern begins again.  Two tiles in three are pilots, whose signs come from
 * a public key; the others carry the payload.
 */
final class Pattern {
  static final int FRAMES_PER_S = 80;
  static final int SLOT_FRAMES = 4;
  static final int TILE_FRAMES = 2 * SLOT_FRAMES;
  static final int TILES = 20;
  static final int PERIOD_FRAMES = TILES * TILE_FRAMES;
  static final byte[] PUBLIC_KEY = "voicelet watermark, public key 1".getBytes(StandardCharsets.US_ASCII);

  private static final double LOW_HZ = 300.0;
  private static final double HIGH_HZ = 10_000.0;
  private static final double MIN_BAND_HZ = 100.0;
  private static final double BAND_SHARE = 0.06;
  private static final double TELEPHONE_HZ = 3400.0;
  private static final float DEPTH = (float) (2.5 / 20.0); // 2.5 dB, as a power of ten
  private static final int PERSON_BYTES = 16;
  private static final double[] EDGES_HZ = edges();

  static final int BANDS = EDGES_HZ.length - 1;

  private Pattern() {}

  private static double[] edges() {
    double[] found = new double[64];
    int count = 0;
    found[count++] = LOW_HZ;
    while (found[count - 1] < HIGH_HZ) {
      double edge = found[count - 1];
      found[count++] = edge + Math.max(MIN_BAND_HZ, BAND_SHARE * edge);
    }
    return Arrays.copyOf(found, count);
  }

  private static boolean isPilot(int tile, int band) {
    return (tile + band) % 3 != 0;
  }

  /**
   * Whether a tile is raised first (1) or lowered first (-1).
   *
   * @param key of the payload's tiles.
   * @return [20 · bands], tile by tile.
   */
  static byte[] tileSigns(Payload payload, byte[] key) {
    int count = TILES * BANDS;
    int[] shared = words(PUBLIC_KEY, "signs", count);
    int[] keyed = words(key, "signs", count);
    int[] bits = bits(key);
    byte[] coded = payload.encode();
    byte[] signs = new byte[count];
    for (int i = 0; i < count; i++) {
      boolean pilot = isPilot(i / BANDS, i % BANDS);
      int sign = ((pilot ? shared[i] : keyed[i]) & 1) != 0 ? 1 : -1;
      signs[i] = (byte) (pilot ? sign : sign * (2 * coded[bits[i]] - 1));
    }
    return signs;
  }

  /** The coded bit that a tile carries, -1 for a pilot. */
  private static int[] bits(byte[] key) {
    int count = TILES * BANDS;
    long[] order = new long[count];
    int[] words = words(key, "order", count);
    for (int i = 0; i < count; i++) {
      order[i] = (words[i] & 0xFFFFFFFFL) << 16 | i; // equal words stay in their order
    }
    Arrays.sort(order);
    int[] bits = new int[count];
    Arrays.fill(bits, -1);
    int place = 0;
    // Each coded bit gets as many tiles in the telephone's band as any other, and so above it.
    for (boolean narrow : new boolean[] {true, false}) {
      for (long ranked : order) {
        int i = (int) (ranked & 0xFFFF);
        boolean isNarrow = EDGES_HZ[i % BANDS + 1] <= TELEPHONE_HZ;
        if (isNarrow == narrow && !isPilot(i / BANDS, i % BANDS)) {
          bits[i] = place;
          place = (place + 1) % Payload.CODED_BITS;
        }
      }
    }
    return bits;
  }

  /**
   * Gains of STFT bins in every slot of the period.
   *
   * @param size of the STFT, in samples.
   * @return [40][size / 2 + 1], factors of the amplitude.
   */
  static float[][] gainTable(byte[] signs, int rateHz, int size) {
    float raised = (float) Math.pow(10.0, DEPTH);
    float lowered = (float) Math.pow(10.0, -DEPTH);
    float[][] table = new float[2 * TILES][size / 2 + 1];
    for (int bin = 0; bin <= size / 2; bin++) {
      double hz = bin * ((double) rateHz / size);
      int band = -1;
      while (band < BANDS && EDGES_HZ[band + 1] <= hz) {
        band++;
      }
      for (int slot = 0; slot < table.length; slot++) {
        if (band < 0 || band >= BANDS) {
          table[slot][bin] = 1f;
        } else {
          int step = slot % 2 == 0 ? signs[slot / 2 * BANDS + band] : -signs[slot / 2 * BANDS + band];
          table[slot][bin] = step > 0 ? raised : lowered;
        }
      }
    }
    return table;
  }

  private static int[] words(byte[] key, String label, int count) {
    // Keys are at most 64 bytes, so they are the MAC key of BLAKE2b, the label its person.
    byte[] person = Arrays.copyOf(label.getBytes(StandardCharsets.US_ASCII), PERSON_BYTES);
    Blake2bDigest digest = new Blake2bDigest(key, 64, null, person);
    byte[] text = "mark".getBytes(StandardCharsets.US_ASCII);
    digest.update(text, 0, text.length);
    byte[] seed = new byte[64];
    digest.doFinal(seed, 0);
    SHAKEDigest shake = new SHAKEDigest(256);
    shake.update(seed, 0, seed.length);
    byte[] bytes = new byte[4 * count];
    shake.doFinal(bytes, 0, bytes.length);
    int[] words = new int[count];
    for (int i = 0; i < count; i++) {
      words[i] =
          bytes[4 * i] & 0xFF
              | (bytes[4 * i + 1] & 0xFF) << 8
              | (bytes[4 * i + 2] & 0xFF) << 16
              | (bytes[4 * i + 3] & 0xFF) << 24;
    }
    return words;
  }
}
