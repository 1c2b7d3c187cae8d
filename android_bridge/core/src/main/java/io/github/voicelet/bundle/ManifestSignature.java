package io.github.voicelet.bundle;

import io.github.voicelet.BundleTamperedException;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.json.JsonWriter;
import io.github.voicelet.trust.keys.Hex;
import io.github.voicelet.trust.keys.Signatures;
import io.github.voicelet.trust.keys.SigningKey;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * {@code manifest.sig}: the maker's Ed25519 signature of the bytes of {@code manifest.json}, which holds the hash of every other
 * file. It has one spelling: keys in order, two spaces, lower-case hexadecimal digits, a newline at the end.
 */
final class ManifestSignature {
  private static final String CONTEXT = "voicelet-bundle-1";
  private static final String ALGORITHM = "Ed25519";
  private static final int MAX_BYTES = 4096;

  private ManifestSignature() {}

  static byte[] sign(byte[] manifest, SigningKey key) {
    return spelled(key.id(), Hex.of(key.sign(CONTEXT, manifest)));
  }

  /**
   * The signer's public key, 64 hexadecimal digits.
   *
   * @throws BundleTamperedException the signature is damaged or doesn't match.
   */
  static String signer(byte[] manifest, byte[] signature, String where) {
    String[] parts;
    try {
      parts = parse(signature);
    } catch (JsonException e) {
      throw new BundleTamperedException(
          where + ": not a signature (" + e.getMessage() + "); fetch the bundle again", e);
    }
    if (!Signatures.holds(Hex.bytes(parts[0]), CONTEXT, manifest, Hex.bytes(parts[1]))) {
      throw new BundleTamperedException(
          where
              + ": the signature doesn't match the manifest; one of them was changed, fetch the bundle again from its"
              + " makers");
    }
    return parts[0];
  }

  private static String[] parse(byte[] raw) {
    if (raw.length > MAX_BYTES) {
      throw new JsonException("too long");
    }
    Map<String, Object> fields = Json.parseObject(raw);
    Object key = fields.get("public_key");
    Object signature = fields.get("signature");
    if (!ALGORITHM.equals(fields.get("algorithm"))) {
      throw new JsonException("an unknown algorithm");
    }
    if (!Hex.isHex(key, 64) || !Hex.isHex(signature, 128)) {
      throw new JsonException("not lower-case hexadecimal digits");
    }
    if (!Arrays.equals(spelled((String) key, (String) signature), raw)) {
      throw new JsonException("not spelled as signatures are");
    }
    return new String[] {(String) key, (String) signature};
  }

  private static byte[] spelled(String key, String signature) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("algorithm", ALGORITHM);
    fields.put("public_key", key);
    fields.put("signature", signature);
    return (JsonWriter.indented(2).write(fields) + "\n").getBytes(StandardCharsets.US_ASCII);
  }
}
