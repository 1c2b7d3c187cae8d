package io.github.voicelet.trust.seal;

import io.github.voicelet.SealException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A private key that opens what was sealed for it; its text shows nothing of it. */
public final class SealingKey {
  private static final String PUBLIC = "VOICELET SEALING PUBLIC KEY";
  private static final String PRIVATE = "VOICELET SEALING PRIVATE KEY";
  private static final int MAX_TEXT = 1 << 14;
  private static final int LINE = 64;
  private static final Pattern ARMOUR =
      Pattern.compile(
          "\\s*-----BEGIN (VOICELET [A-Z ]+)-----\\s+([A-Za-z0-9+/=\\s]+?)\\s*-----END \\1-----\\s*");

  private final byte[] privateKey;
  private final byte[] publicKey;

  /**
   * Of its bytes.
   *
   * @param privateKey 32 (X25519) or 96 (ML-KEM-768 and X25519).
   * @throws SealException it isn't a key.
   */
  public SealingKey(byte[] privateKey) {
    this.privateKey = privateKey.clone();
    publicKey = Hpke.publicOf(privateKey);
  }

  /** A new key; with ML-KEM-768 if {@code isHybrid}. */
  public static SealingKey make(boolean isHybrid) {
    return new SealingKey(Hpke.newPrivate(isHybrid));
  }

  /** The private key. */
  public byte[] privateBytes() {
    return privateKey.clone();
  }

  /** The public key, 32 or 1,216 bytes. */
  public byte[] publicBytes() {
    return publicKey.clone();
  }

  /** The private key as text, for a file that its owner alone can read. */
  public String toText() {
    return armour(PRIVATE, privateKey);
  }

  /**
   * Inverse of {@link #toText}.
   *
   * @throws SealException it isn't one.
   */
  public static SealingKey fromText(String text) {
    return new SealingKey(unarmour(PRIVATE, text));
  }

  /** A public key as text, to be handed to others. */
  public static String publicToText(byte[] publicKey) {
    return armour(PUBLIC, publicKey);
  }

  /**
   * Inverse of {@link #publicToText}.
   *
   * @throws SealException it isn't one; a private key is refused by name.
   */
  public static byte[] publicFromText(String text) {
    byte[] publicKey = unarmour(PUBLIC, text);
    Hpke.suiteOf(publicKey);
    return publicKey;
  }

  private static String armour(String kind, byte[] data) {
    String text = Base64Text.of(data);
    StringBuilder out = new StringBuilder("-----BEGIN " + kind + "-----\n");
    for (int i = 0; i < text.length(); i += LINE) {
      out.append(text, i, Math.min(i + LINE, text.length())).append('\n');
    }
    return out.append("-----END ").append(kind).append("-----\n").toString();
  }

  private static byte[] unarmour(String kind, String text) {
    Matcher match = ARMOUR.matcher(text.length() <= MAX_TEXT ? text : "");
    boolean isArmoured = match.matches();
    if (!isArmoured || !match.group(1).equals(kind)) {
      String what = isArmoured ? "a " + match.group(1) : "something else";
      throw new SealException("this is " + what + "; a " + kind + " is wanted");
    }
    byte[] data = Base64Text.bytes(match.group(2).replaceAll("\\s", ""));
    if (data == null) {
      throw new SealException("the " + kind + " is damaged; ask for it again");
    }
    return data;
  }
}
