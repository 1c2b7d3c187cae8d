package io.github.voicelet.trust.watermark;

import io.github.voicelet.TrustException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/**
 * The mark of a voice, which all its streams share; nothing turns it off.
 *
 * <p>Each clause is given a {@link ClauseMark}, which says by how much which STFT bins of which frame are raised or lowered.
 * What voicelet's detector reads there is the {@link Payload}.
 */
public final class Watermark {
  /** Environment variable: seconds since 1970 that stand for now, as in reproducible builds. */
  public static final String DATE_VARIABLE = "SOURCE_DATE_EPOCH";

  private static final int MIN_KEY_BYTES = 16;
  private static final int MAX_KEY_BYTES = 64;
  private static final long LAST_SECOND = 253_402_300_799L; // of the year 9999

  private final int model;
  private final byte[] key;
  private final int keyId;
  private Tables tables; // guarded by this

  /** Gains of one payload, for one kind of STFT. */
  private static final class Tables {
    final Payload payload;
    final int rateHz;
    final int size;
    final float[][] gains;

    Tables(Payload payload, int rateHz, int size, float[][] gains) {
      this.payload = payload;
      this.rateHz = rateHz;
      this.size = size;
      this.gains = gains;
    }
  }

  /** The mark of a bundle, with the public key. */
  public Watermark(String name, String version) {
    this(name, version, null);
  }

  /**
   * The mark of a bundle.
   *
   * @param operatorKey 16 to 64 bytes; null for the public key.
   * @throws TrustException the key is too short or too long.
   */
  public Watermark(String name, String version, byte[] operatorKey) {
    if (operatorKey != null && (operatorKey.length < MIN_KEY_BYTES || operatorKey.length > MAX_KEY_BYTES)) {
      throw new TrustException(
          "a watermark key has " + MIN_KEY_BYTES + " to " + MAX_KEY_BYTES + " bytes; make one of random bytes");
    }
    model = sha256((name + "\n" + version).getBytes(StandardCharsets.UTF_8))[0] & 0xFF;
    key = operatorKey == null ? Pattern.PUBLIC_KEY : operatorKey.clone();
    keyId = keyId(key);
  }

  /** Eight bits that stand for a key: 0 for the public one, 1 to 255 for others. */
  static int keyId(byte[] key) {
    if (Arrays.equals(key, Pattern.PUBLIC_KEY)) {
      return 0;
    }
    byte[] label = "watermark key id".getBytes(StandardCharsets.US_ASCII);
    byte[] labelled = Arrays.copyOf(label, label.length + key.length);
    System.arraycopy(key, 0, labelled, label.length, key.length);
    return 1 + (sha256(labelled)[0] & 0xFF) % 255;
  }

  /**
   * What a clause that begins now is to carry.
   *
   * @throws TrustException the date that stands for now is none.
   */
  public Payload payload() {
    return new Payload(model, Payload.week(nowSeconds(System.getenv(DATE_VARIABLE))), keyId);
  }

  /** Seconds since 1970. */
  static long nowSeconds(String configured) {
    if (configured == null || configured.isEmpty()) {
      return Math.floorDiv(System.currentTimeMillis(), 1000L);
    }
    if (!configured.matches("[0-9]{1,15}") || Long.parseLong(configured) > LAST_SECOND) {
      throw new TrustException(
          DATE_VARIABLE + " must be whole seconds since 1970, at most " + LAST_SECOND + ", not '" + configured
              + "'; unset it to use the clock");
    }
    return Long.parseLong(configured);
  }

  /**
   * The mark of a clause.
   *
   * <p>Where the pattern begins depends on the clause's first word, and on nothing that was said before or is said after it:
   * if equal speech came with the pattern elsewhere each time, the mean of some of it would be speech without a mark.
   *
   * @param opening the first word, in any spelling that is always the same.
   */
  public ClauseMark clause(String opening) {
    int tile = (sha256(opening.getBytes(StandardCharsets.UTF_8))[0] & 0xFF) % Pattern.TILES;
    return new ClauseMark(this, tile * Pattern.TILE_FRAMES);
  }

  /** Gains in every slot; kept for the week. */
  synchronized float[][] table(int rateHz, int size) {
    Payload payload = payload();
    if (tables == null || !tables.payload.equals(payload) || tables.rateHz != rateHz || tables.size != size) {
      tables = new Tables(payload, rateHz, size, Pattern.gainTable(Pattern.tileSigns(payload, key), rateHz, size));
    }
    return tables.gains;
  }

  private static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new TrustException("this device has no SHA-256", e);
    }
  }
}
