package io.github.voicelet.trust.seal;

import io.github.voicelet.ProfileException;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.text.unicode.Normalizer;
import io.github.voicelet.trust.keys.Hex;
import java.io.ByteArrayOutputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bouncycastle.crypto.generators.SCrypt;

/** Settings of scrypt (RFC 7914), by which a passphrase becomes a key. */
public final class Stretch {
  private static final int BLOCK = 8;
  private static final int LEAST_LOG = 14;
  private static final int MOST_LOG = 17;
  private static final int MOST_WORK = 1 << 19;
  private static final int SALT_BYTES = 16;
  private static final String SALT = "salt";

  private final String salt;
  private final int cost;
  private final int passes;

  private Stretch(String salt, int cost, int passes) {
    this.salt = salt;
    this.cost = cost;
    this.passes = passes;
  }

  /** For a vault: 32 MiB and three passes, with a salt of its own. */
  public static Stretch ofVault() {
    return new Stretch(Hex.of(Aead.random(SALT_BYTES)), 1 << 15, 3);
  }

  /** For a file that may fall to anybody: 128 MiB, with a salt of its own. */
  public static Stretch ofBackup() {
    return new Stretch(Hex.of(Aead.random(SALT_BYTES)), 1 << MOST_LOG, 1);
  }

  /**
   * Settings as JSON gives them; a changed file must cost neither all memory nor minutes.
   *
   * @throws JsonException they are impossible, or beyond 128 MiB and five times a vault's work.
   */
  public static Stretch read(Map<String, Object> json) {
    Object salt = json.get(SALT);
    boolean isSalt = salt instanceof String && ((String) salt).length() % 2 == 0;
    isSalt = isSalt && ((String) salt).length() >= 2 * SALT_BYTES && Hex.isHex(salt, ((String) salt).length());
    long cost = whole(json.get("n"));
    long passes = whole(json.get("p"));
    boolean isCost = Long.bitCount(cost) == 1 && cost >= 1 << LEAST_LOG && cost <= 1 << MOST_LOG;
    if (json.size() != 4 || !isSalt || !isCost || whole(json.get("r")) != BLOCK) {
      throw new JsonException("impossible settings of scrypt");
    }
    if (passes < 1 || passes > MOST_WORK / cost) {
      throw new JsonException("impossible settings of scrypt");
    }
    return new Stretch((String) salt, (int) cost, (int) passes);
  }

  private static long whole(Object value) {
    return value instanceof Long ? (Long) value : 0;
  }

  /** The settings as JSON takes them. */
  public Map<String, Object> toJson() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put(SALT, salt);
    json.put("n", cost);
    json.put("r", BLOCK);
    json.put("p", passes);
    return json;
  }

  /**
   * The key of 32 bytes that a passphrase stands for.
   *
   * @throws ProfileException this device lacks the memory.
   */
  public byte[] key(String passphrase) {
    try {
      return SCrypt.generate(bytes(Normalizer.nfc(passphrase)), Hex.bytes(salt), cost, BLOCK, passes, Aead.KEY_BYTES);
    } catch (OutOfMemoryError e) { // one large request: nothing else is harmed
      int needed = cost / 1024;
      throw new ProfileException("the passphrase takes " + needed + " MiB of memory; close other apps and try again", e);
    }
  }

  /** UTF-8, with halves of surrogate pairs as Python's "surrogatepass" has them: no two passphrases are one. */
  private static byte[] bytes(String text) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
      int code = text.codePointAt(i);
      if (code < 0x80) {
        out.write(code);
      } else if (code < 0x800) {
        out.write(0xC0 | code >> 6);
        out.write(0x80 | code & 0x3F);
      } else {
        if (code < 0x10000) {
          out.write(0xE0 | code >> 12);
        } else {
          out.write(0xF0 | code >> 18);
          out.write(0x80 | code >> 12 & 0x3F);
        }
        out.write(0x80 | code >> 6 & 0x3F);
        out.write(0x80 | code & 0x3F);
      }
    }
    return out.toByteArray();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Stretch && toJson().equals(((Stretch) other).toJson());
  }

  @Override
  public int hashCode() {
    return toJson().hashCode();
  }
}
