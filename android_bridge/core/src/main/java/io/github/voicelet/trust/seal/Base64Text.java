package io.github.voicelet.trust.seal;

import org.bouncycastle.util.encoders.Base64;
import org.bouncycastle.util.encoders.DecoderException;

/** Base64 (RFC 4648) in its one spelling; Android has the JDK's from API 26 on only. */
public final class Base64Text {
  private Base64Text() {}

  /** Bytes as text. */
  public static String of(byte[] data) {
    return Base64.toBase64String(data);
  }

  /** Text as bytes; null where it isn't in its one spelling: nothing outside the alphabet, all padding, no bits behind. */
  public static byte[] bytes(String text) {
    try {
      byte[] data = Base64.decode(text);
      return of(data).equals(text) ? data : null;
    } catch (DecoderException e) {
      return null;
    }
  }
}
