package io.github.voicelet.trust.seal;

import io.github.voicelet.SealException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Sealing to a recipient.
 *
 * <pre>
 * "VLSB" · version uint8 · suite uint16 (big-endian, IANA's number of the KEM) · HPKE message
 * </pre>
 *
 * <p>What comes before the HPKE message, and the purpose, are bound to it.
 */
public final class SealedBox {
  private static final byte[] MAGIC = "VLSB".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] LABEL = "voicelet sealed box 1\n".getBytes(StandardCharsets.US_ASCII);
  private static final int VERSION = 1;
  private static final int HEADER_BYTES = 7;

  private SealedBox() {}

  /**
   * Encrypt data so that only the owner of a public key can read it.
   *
   * @param publicKey 32 or 1,216 bytes.
   * @param info what the message is for; the same is needed to open it.
   * @throws SealException the key is broken.
   */
  public static byte[] seal(byte[] publicKey, byte[] data, byte[] info) {
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
    header.put(MAGIC).put((byte) VERSION).putShort((short) Hpke.suiteOf(publicKey));
    return Hpke.join(header.array(), Hpke.encrypt(publicKey, data, associated(header.array(), info)));
  }

  /**
   * Inverse of {@link #seal}.
   *
   * @throws SealException not a sealed message, for another key or purpose, cut or changed.
   */
  public static byte[] open(SealingKey key, byte[] data, byte[] info) {
    if (data.length < HEADER_BYTES || !Arrays.equals(Arrays.copyOf(data, MAGIC.length), MAGIC)) {
      throw new SealException("this is no sealed message; fetch it again");
    }
    byte[] header = Arrays.copyOf(data, HEADER_BYTES);
    int suite = (header[5] & 0xFF) << 8 | header[6] & 0xFF;
    if (header[4] != VERSION || (suite != Hpke.CLASSIC && suite != Hpke.HYBRID)) {
      throw new SealException(
          "sealed in a way that this voicelet doesn't know; update voicelet, or fetch the message again");
    }
    if (suite != Hpke.suiteOf(key.publicBytes())) {
      throw new SealException("sealed for a key of another kind; open it with the key it was made for");
    }
    byte[] message = Arrays.copyOfRange(data, HEADER_BYTES, data.length);
    return Hpke.decrypt(key.privateBytes(), message, associated(header, info));
  }

  private static byte[] associated(byte[] header, byte[] info) {
    // Lengths first, so that no two purposes come out the same; nothing more is bound.
    byte[] lengths = ByteBuffer.allocate(8).putInt(info.length).putInt(0).array();
    return Hpke.join(LABEL, header, lengths, info);
  }
}
