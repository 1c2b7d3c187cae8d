package io.github.voicelet.trust.audit;

import io.github.voicelet.AuditException;
import io.github.voicelet.ConfigException;
import io.github.voicelet.config.Fields;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.trust.keys.Hex;
import io.github.voicelet.trust.keys.Signatures;
import io.github.voicelet.trust.keys.SigningKey;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The state of the whole log when it was last written, signed: how many lines there are and what the last one's hash is, so that
 * lines can't be cut from the end unseen. Kept elsewhere, it tells whether all of the log was put back. Immutable.
 */
public final class AuditHead {
  private static final String CONTEXT = "voicelet-audit-head-1";

  final long count;
  final String hash;
  final int file;
  final long size;
  final String publicKey;
  private final String sig;

  /**
   * @param count records.
   * @param hash of the last line; {@link AuditRecord#GENESIS} where there is none.
   * @param file number of the file that is written to, 1, 2, …
   * @param size bytes of that file.
   * @param publicKey the device's, 64 hexadecimal digits.
   * @param sig over all of these; "" for none.
   */
  AuditHead(long count, String hash, int file, long size, String publicKey, String sig) {
    boolean fits = count >= 0 && file >= 1 && size >= 0 && Hex.isHex(hash, 64) && Hex.isHex(publicKey, 64);
    if (!fits || (!sig.isEmpty() && !Hex.isHex(sig, 128))) {
      throw new ConfigException("a number, hash, key or signature that can't be one");
    }
    this.count = count;
    this.hash = hash;
    this.file = file;
    this.size = size;
    this.publicKey = publicKey;
    this.sig = sig;
  }

  /**
   * Read one; whether its signature holds is another question.
   *
   * @throws AuditException it isn't one.
   */
  public static AuditHead parse(byte[] data) {
    try {
      Fields all =
          new Fields(AuditRecord.parseAscii(data), "a head", "count", "hash", "file", "size", "public_key", "sig");
      AuditHead head =
          new AuditHead(
              all.whole("count", 0, Long.MAX_VALUE),
              all.text("hash"),
              (int) all.whole("file", 1, Integer.MAX_VALUE),
              all.whole("size", 0, Long.MAX_VALUE),
              all.text("public_key"),
              all.text("sig", ""));
      if (!Arrays.equals(head.toBytes(), data)) {
        throw new AuditException("not spelled as it was written");
      }
      return head;
    } catch (JsonException | ConfigException e) {
      throw new AuditException("not a head (" + e.getMessage() + ")", e);
    }
  }

  AuditHead signed(SigningKey key) {
    byte[] signed = AuditRecord.spelled(unsigned());
    return new AuditHead(count, hash, file, size, publicKey, Hex.of(key.sign(CONTEXT, signed)));
  }

  private Map<String, Object> unsigned() {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("count", count);
    values.put("hash", hash);
    values.put("file", file);
    values.put("size", size);
    values.put("public_key", publicKey);
    return values;
  }

  /** As it is stored. */
  public byte[] toBytes() {
    Map<String, Object> values = unsigned();
    values.put("sig", sig);
    byte[] line = AuditRecord.spelled(values);
    byte[] out = Arrays.copyOf(line, line.length + 1);
    out[line.length] = '\n';
    return out;
  }

  /** Whether the signature holds and is this key's. */
  boolean isSignedBy(byte[] key) {
    return publicKey.equals(Hex.of(key))
        && !sig.isEmpty()
        && Signatures.holds(key, CONTEXT, AuditRecord.spelled(unsigned()), Hex.bytes(sig));
  }
}
