package io.github.voicelet.trust.keys;

import io.github.voicelet.SealException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bouncycastle.util.encoders.Base64;
import org.bouncycastle.util.encoders.DecoderException;

/** A private Ed25519 key. Its public half is its id: 64 hexadecimal digits in records, signatures and lists. */
public final class SigningKey {
  private static final int MAX_PEM_BYTES = 1 << 16;
  private static final Pattern PEM =
      Pattern.compile("\\s*-----BEGIN PRIVATE KEY-----\\s+([A-Za-z0-9+/=\\s]+?)\\s*-----END PRIVATE KEY-----\\s*");

  /** PKCS #8 (RFC 8410) of a key of 32 bytes, without attributes, as OpenSSL writes it. */
  private static final byte[] PKCS8 = Hex.bytes("302e020100300506032b657004220420");

  private final byte[] secret;
  private final byte[] publicKey;

  private SigningKey(byte[] secret) {
    this.secret = secret;
    this.publicKey = Ed25519.publicOf(secret);
  }

  /** A new key. */
  public static SigningKey create() {
    return new SigningKey(Ed25519.newPrivate());
  }

  /**
   * Of its 32 bytes.
   *
   * @throws SealException it hasn't so many.
   */
  public static SigningKey of(byte[] secret) {
    if (secret.length != Ed25519.KEY_BYTES) {
      throw new SealException("a signing key has 32 bytes, not " + secret.length);
    }
    return new SigningKey(secret.clone());
  }

  /**
   * Of an unencrypted private key in PEM form (PKCS #8), as {@code openssl genpkey -algorithm ed25519} makes them.
   *
   * @throws SealException it isn't such a key.
   */
  public static SigningKey ofPem(byte[] pem) {
    Matcher match =
        PEM.matcher(pem.length <= MAX_PEM_BYTES ? new String(pem, StandardCharsets.ISO_8859_1) : "too long");
    try {
      byte[] der = match.matches() ? Base64.decode(match.group(1).replaceAll("\\s", "")) : new byte[0];
      if (der.length == PKCS8.length + Ed25519.KEY_BYTES && Arrays.equals(PKCS8, Arrays.copyOf(der, PKCS8.length))) {
        return new SigningKey(Arrays.copyOfRange(der, PKCS8.length, der.length));
      }
    } catch (DecoderException e) {
      throw new SealException("not an unencrypted PEM private key; its base64 is damaged", e);
    }
    throw new SealException(
        "not an unencrypted Ed25519 private key in PEM form; make one with openssl genpkey -algorithm ed25519");
  }

  /** The key's 32 bytes, to be kept by {@link SecretStore}. */
  byte[] secret() {
    return secret.clone();
  }

  /** Its public half, 32 bytes. */
  public byte[] publicKey() {
    return publicKey.clone();
  }

  /** Its public half, 64 hexadecimal digits. */
  public String id() {
    return Hex.of(publicKey);
  }

  /**
   * The signature (64 bytes) of data for one purpose.
   *
   * @param context names the purpose and its version ("voicelet-consent-1"): a-z, 0-9, dash, dot.
   * @throws SealException the context isn't of that form.
   */
  public byte[] sign(String context, byte[] data) {
    return Ed25519.sign(secret, Signatures.message(context, data));
  }

  /**
   * A key of 32 bytes that is derived from this one for another purpose (HKDF-SHA256 without a salt).
   *
   * @param info names the purpose.
   */
  public byte[] derived(String info) {
    byte[] prk = Hmac.sha256(new byte[32], secret);
    byte[] label = (info + "\u0001").getBytes(StandardCharsets.US_ASCII);
    return Hmac.sha256(prk, label);
  }

  /** Shows the public half alone. */
  @Override
  public String toString() {
    return "SigningKey[" + id() + "]";
  }
}
