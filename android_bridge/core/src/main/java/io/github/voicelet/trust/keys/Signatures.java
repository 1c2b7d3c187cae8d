package io.github.voicelet.trust.keys;

import io.github.voicelet.SealException;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/**
 * Signatures for one purpose each: Ed25519 over the context, a newline and the data.
 *
 * <p>A context names the purpose and its version ("voicelet-consent-1"), so that what was signed for one is worth nothing for
 * another.
 */
public final class Signatures {
  /** Bytes of a public key. */
  public static final int PUBLIC_KEY_BYTES = Ed25519.KEY_BYTES;

  private static final Pattern CONTEXT = Pattern.compile("[a-z0-9][a-z0-9.-]{0,63}");

  private Signatures() {}

  /**
   * Check a signature of {@link SigningKey#sign}.
   *
   * @param publicKey 32 bytes.
   * @throws SealException it isn't this key's, not of this data, or not for this purpose.
   */
  public static void verify(byte[] publicKey, String context, byte[] data, byte[] signature) {
    if (!holds(publicKey, context, data, signature)) {
      throw new SealException(
          "the signature ("
              + context
              + ") doesn't hold: the data or the signature was changed, or another key signed");
    }
  }

  /** Whether a signature is this key's, of this data, for this purpose. */
  public static boolean holds(byte[] publicKey, String context, byte[] data, byte[] signature) {
    return Ed25519.holds(publicKey, message(context, data), signature);
  }

  static byte[] message(String context, byte[] data) {
    if (!CONTEXT.matcher(context).matches()) {
      throw new SealException("'" + context + "' is no context of a signature; use a-z, 0-9, dash and dot");
    }
    byte[] prefix = (context + "\n").getBytes(StandardCharsets.US_ASCII);
    byte[] message = new byte[prefix.length + data.length];
    System.arraycopy(prefix, 0, message, 0, prefix.length);
    System.arraycopy(data, 0, message, prefix.length, data.length);
    return message;
  }
}
