package io.github.voicelet.trust.seal;

import io.github.voicelet.SealException;
import io.github.voicelet.trust.keys.Hmac;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;
import org.bouncycastle.crypto.SecretWithEncapsulation;
import org.bouncycastle.crypto.agreement.X25519Agreement;
import org.bouncycastle.crypto.digests.SHA3Digest;
import org.bouncycastle.crypto.kems.MLKEMExtractor;
import org.bouncycastle.crypto.kems.MLKEMGenerator;
import org.bouncycastle.crypto.params.MLKEMParameters;
import org.bouncycastle.crypto.params.MLKEMPrivateKeyParameters;
import org.bouncycastle.crypto.params.MLKEMPublicKeyParameters;
import org.bouncycastle.crypto.params.X25519PrivateKeyParameters;
import org.bouncycastle.crypto.params.X25519PublicKeyParameters;

/**
 * Hybrid public key encryption (RFC 9180, base mode, single shot) with HKDF-SHA256 and ChaCha20-Poly1305.
 *
 * <p>The key encapsulation is X25519 (0x0020, RFC 9180 section 4.1), or ML-KEM-768 with X25519 (0x647A, X-Wing,
 * draft-connolly-cfrg-xwing-kem section 5.3): SHA3-256 of ML-KEM's secret, X25519's secret, the sender's and the recipient's X25519
 * keys and the label {@code \.//^\}. Only the combiner and the key schedule (RFC 9180 sections 5.1 and 5.2) stand here; what they
 * combine is BouncyCastle's.
 *
 * <p>A public key is 32 bytes (X25519) or 1,216 (ML-KEM-768, then X25519); the length tells which. A private key is 32 bytes or 96
 * (ML-KEM's seed of 64, then X25519).
 */
final class Hpke {
  static final int CLASSIC = 0x0020;
  static final int HYBRID = 0x647A;

  private static final int KDF = 0x0001;
  private static final int AEAD = 0x0003;
  private static final int SHORT_BYTES = 32;
  private static final int LONG_PUBLIC_BYTES = 1184;
  private static final int LONG_SEED_BYTES = 64;
  private static final int LONG_CIPHER_BYTES = 1088;
  private static final byte[] VERSION = ascii("HPKE-v1");
  private static final byte[] XWING_LABEL = ascii("\\.//^\\");
  private static final byte[] NONE = new byte[0];

  private Hpke() {}

  /** The key encapsulation of a public key, by its length. */
  static int suiteOf(byte[] publicKey) {
    if (publicKey.length == SHORT_BYTES) {
      return CLASSIC;
    }
    if (publicKey.length == LONG_PUBLIC_BYTES + SHORT_BYTES) {
      return HYBRID;
    }
    throw new SealException("no sealing key has " + publicKey.length + " bytes; ask for the public key again");
  }

  static byte[] newPrivate(boolean isHybrid) {
    byte[] shortKey = new X25519PrivateKeyParameters(new SecureRandom()).getEncoded();
    return isHybrid ? join(Aead.random(LONG_SEED_BYTES), shortKey) : shortKey;
  }

  static byte[] publicOf(byte[] privateKey) {
    byte[] shortPublic = shortKey(privateKey).generatePublicKey().getEncoded();
    return isHybrid(privateKey) ? join(longKey(privateKey).getPublicKey(), shortPublic) : shortPublic;
  }

  private static boolean isHybrid(byte[] privateKey) {
    if (privateKey.length != SHORT_BYTES && privateKey.length != LONG_SEED_BYTES + SHORT_BYTES) {
      throw new SealException("no private sealing key has " + privateKey.length + " bytes");
    }
    return privateKey.length != SHORT_BYTES;
  }

  private static X25519PrivateKeyParameters shortKey(byte[] privateKey) {
    return new X25519PrivateKeyParameters(privateKey, isHybrid(privateKey) ? LONG_SEED_BYTES : 0);
  }

  private static MLKEMPrivateKeyParameters longKey(byte[] privateKey) {
    return new MLKEMPrivateKeyParameters(MLKEMParameters.ml_kem_768, Arrays.copyOf(privateKey, LONG_SEED_BYTES));
  }

  /**
   * Encrypt for a public key: encapsulated key, then ciphertext with its tag.
   *
   * @param info bound to the message; the same is needed to open it.
   * @throws SealException the key is broken.
   */
  static byte[] encrypt(byte[] publicKey, byte[] data, byte[] info) {
    int suite = suiteOf(publicKey);
    X25519PrivateKeyParameters mine = new X25519PrivateKeyParameters(new SecureRandom());
    byte[] enc = mine.generatePublicKey().getEncoded();
    byte[] theirs = Arrays.copyOfRange(publicKey, publicKey.length - SHORT_BYTES, publicKey.length);
    byte[] secret;
    try {
      byte[] agreed = agree(mine, theirs);
      if (suite == CLASSIC) {
        secret = classicSecret(agreed, enc, theirs);
      } else {
        byte[] longPublic = Arrays.copyOf(publicKey, LONG_PUBLIC_BYTES);
        SecretWithEncapsulation kem =
            new MLKEMGenerator(new SecureRandom())
                .generateEncapsulated(new MLKEMPublicKeyParameters(MLKEMParameters.ml_kem_768, longPublic));
        secret = hybridSecret(kem.getSecret(), agreed, enc, theirs);
        enc = join(kem.getEncapsulation(), enc);
      }
    } catch (IllegalArgumentException | IllegalStateException e) {
      throw new SealException("the recipient's key is broken; ask for it again", e);
    }
    byte[][] schedule = schedule(suite, secret, info);
    return join(enc, Aead.encrypt(schedule[0], schedule[1], data, NONE));
  }

  /**
   * Inverse of {@link #encrypt}.
   *
   * @throws SealException for another key, with another {@code info}, or changed.
   */
  static byte[] decrypt(byte[] privateKey, byte[] box, byte[] info) {
    boolean isHybrid = isHybrid(privateKey);
    int longBytes = isHybrid ? LONG_CIPHER_BYTES : 0;
    byte[] plain = null;
    if (box.length >= longBytes + SHORT_BYTES + Aead.TAG_BYTES) {
      byte[] theirs = Arrays.copyOfRange(box, longBytes, longBytes + SHORT_BYTES);
      byte[] own = shortKey(privateKey).generatePublicKey().getEncoded();
      try {
        byte[] agreed = agree(shortKey(privateKey), theirs);
        byte[] secret;
        if (isHybrid) {
          byte[] inner = new MLKEMExtractor(longKey(privateKey)).extractSecret(Arrays.copyOf(box, longBytes));
          secret = hybridSecret(inner, agreed, theirs, own);
        } else {
          secret = classicSecret(agreed, theirs, own);
        }
        byte[][] schedule = schedule(isHybrid ? HYBRID : CLASSIC, secret, info);
        byte[] cipher = Arrays.copyOfRange(box, longBytes + SHORT_BYTES, box.length);
        plain = Aead.decrypt(schedule[0], schedule[1], cipher, NONE);
      } catch (IllegalArgumentException | IllegalStateException e) {
        plain = null; // a point of small order, or a ciphertext that can't be
      }
    }
    if (plain == null) {
      throw new SealException("can't be opened: sealed for another key, or changed; have it sealed and sent again");
    }
    return plain;
  }

  private static byte[] agree(X25519PrivateKeyParameters mine, byte[] theirs) {
    X25519Agreement agreement = new X25519Agreement();
    agreement.init(mine);
    byte[] secret = new byte[agreement.getAgreementSize()];
    agreement.calculateAgreement(new X25519PublicKeyParameters(theirs, 0), secret, 0);
    return secret;
  }

  /** RFC 9180, section 4.1: ExtractAndExpand. */
  private static byte[] classicSecret(byte[] agreed, byte[] enc, byte[] recipient) {
    byte[] kem = join(ascii("KEM"), number(CLASSIC));
    return expand(kem, extract(kem, NONE, "eae_prk", agreed), "shared_secret", join(enc, recipient), 32);
  }

  /** X-Wing's combiner. */
  private static byte[] hybridSecret(byte[] inner, byte[] agreed, byte[] enc, byte[] recipient) {
    SHA3Digest digest = new SHA3Digest(256);
    for (byte[] part : new byte[][] {inner, agreed, enc, recipient, XWING_LABEL}) {
      digest.update(part, 0, part.length);
    }
    byte[] secret = new byte[digest.getDigestSize()];
    digest.doFinal(secret, 0);
    return secret;
  }

  /** RFC 9180, section 5.1: the key and the nonce of the first message, in base mode. */
  private static byte[][] schedule(int kem, byte[] secret, byte[] info) {
    byte[] suite = join(ascii("HPKE"), number(kem), number(KDF), number(AEAD));
    byte[] context =
        join(new byte[1], extract(suite, NONE, "psk_id_hash", NONE), extract(suite, NONE, "info_hash", info));
    byte[] key = extract(suite, secret, "secret", NONE);
    return new byte[][] {
      expand(suite, key, "key", context, Aead.KEY_BYTES),
      expand(suite, key, "base_nonce", context, Aead.NONCE_BYTES)
    };
  }

  private static byte[] extract(byte[] suite, byte[] salt, String label, byte[] material) {
    return Hmac.sha256(salt.length == 0 ? new byte[32] : salt, join(VERSION, suite, ascii(label), material));
  }

  /** At most one block of HKDF-Expand: nothing here is longer than SHA-256's 32 bytes. */
  private static byte[] expand(byte[] suite, byte[] key, String label, byte[] info, int size) {
    byte[] labelled = join(number(size), VERSION, suite, ascii(label), info, new byte[] {1});
    return Arrays.copyOf(Hmac.sha256(key, labelled), size);
  }

  private static byte[] number(int value) {
    return new byte[] {(byte) (value >> 8), (byte) value};
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  static byte[] join(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.write(part, 0, part.length);
    }
    return out.toByteArray();
  }
}
