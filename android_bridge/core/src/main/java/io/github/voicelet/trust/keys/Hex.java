package io.github.voicelet.trust.keys;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** Hexadecimal digits in the one spelling that signed files have: small letters, no spaces; and SHA-256. */
public final class Hex {
  private static final char[] DIGITS = "0123456789abcdef".toCharArray();

  private Hex() {}

  /** Bytes as digits. */
  public static String of(byte[] bytes) {
    char[] out = new char[2 * bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      out[2 * i] = DIGITS[(bytes[i] >> 4) & 15];
      out[2 * i + 1] = DIGITS[bytes[i] & 15];
    }
    return new String(out);
  }

  /**
   * Whether a text is of so many digits, in small letters.
   *
   * <p>What stands outside of what is signed, the signature itself above all, has one spelling only, so that no byte of a file
   * can change unseen.
   */
  public static boolean isHex(Object text, int digits) {
    if (!(text instanceof String) || ((String) text).length() != digits) {
      return false;
    }
    for (int i = 0; i < digits; i++) {
      char c = ((String) text).charAt(i);
      if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
        return false;
      }
    }
    return true;
  }

  /**
   * Digits as bytes.
   *
   * @throws IllegalArgumentException they aren't an even number of digits, in small letters.
   */
  public static byte[] bytes(String digits) {
    if (digits.length() % 2 != 0 || !isHex(digits, digits.length())) {
      throw new IllegalArgumentException("not lower-case hexadecimal digits");
    }
    byte[] out = new byte[digits.length() / 2];
    for (int i = 0; i < out.length; i++) {
      out[i] = (byte) Integer.parseInt(digits.substring(2 * i, 2 * i + 2), 16);
    }
    return out;
  }

  /** SHA-256 of bytes, 64 digits. */
  public static String sha256(byte[] data) {
    return of(sha256Digest().digest(data));
  }

  /** SHA-256 of a text in UTF-8, 64 digits. */
  public static String sha256(String text) {
    return sha256(text.getBytes(StandardCharsets.UTF_8));
  }

  /** A new SHA-256, which every Java has. */
  public static MessageDigest sha256Digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java lacks SHA-256", e);
    }
  }
}
