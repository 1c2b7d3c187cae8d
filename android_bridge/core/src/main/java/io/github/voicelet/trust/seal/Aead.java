package io.github.voicelet.trust.seal;

import java.security.SecureRandom;
import java.util.Arrays;
import org.bouncycastle.crypto.InvalidCipherTextException;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.generators.HKDFBytesGenerator;
import org.bouncycastle.crypto.modes.ChaCha20Poly1305;
import org.bouncycastle.crypto.params.AEADParameters;
import org.bouncycastle.crypto.params.HKDFParameters;
import org.bouncycastle.crypto.params.KeyParameter;

/** ChaCha20-Poly1305 (RFC 8439) under keys of 32 bytes, and keys for one purpose each (HKDF-SHA256, RFC 5869). */
public final class Aead {
  /** Of a key. */
  public static final int KEY_BYTES = 32;

  /** Of a nonce. */
  public static final int NONCE_BYTES = 12;

  /** By which a ciphertext is longer than what it holds. */
  public static final int TAG_BYTES = 16;

  private static final SecureRandom RANDOM = new SecureRandom();

  private Aead() {}

  /** Random bytes, from the system. */
  public static byte[] random(int bytes) {
    byte[] random = new byte[bytes];
    RANDOM.nextBytes(random);
    return random;
  }

  /** A key for one purpose, of another key. */
  public static byte[] subkey(byte[] key, byte[] purpose) {
    HKDFBytesGenerator generator = new HKDFBytesGenerator(new SHA256Digest());
    generator.init(new HKDFParameters(key, null, purpose));
    byte[] subkey = new byte[KEY_BYTES];
    generator.generateBytes(subkey, 0, KEY_BYTES);
    return subkey;
  }

  /** Encrypt under a fresh nonce, which comes first. */
  public static byte[] box(byte[] key, byte[] plain, byte[] associated) {
    byte[] nonce = random(NONCE_BYTES);
    byte[] cipher = encrypt(key, nonce, plain, associated);
    byte[] box = Arrays.copyOf(nonce, NONCE_BYTES + cipher.length);
    System.arraycopy(cipher, 0, box, NONCE_BYTES, cipher.length);
    return box;
  }

  /** Inverse of {@link #box}; null if the key is another one, or anything was changed. */
  public static byte[] open(byte[] key, byte[] box, byte[] associated) {
    if (box.length < NONCE_BYTES + TAG_BYTES) {
      return null;
    }
    byte[] nonce = Arrays.copyOf(box, NONCE_BYTES);
    return decrypt(key, nonce, Arrays.copyOfRange(box, NONCE_BYTES, box.length), associated);
  }

  static byte[] encrypt(byte[] key, byte[] nonce, byte[] plain, byte[] associated) {
    byte[] out = run(true, key, nonce, plain, associated);
    if (out == null) {
      throw new IllegalStateException("encrypting can't fail");
    }
    return out;
  }

  static byte[] decrypt(byte[] key, byte[] nonce, byte[] cipher, byte[] associated) {
    return cipher.length < TAG_BYTES ? null : run(false, key, nonce, cipher, associated);
  }

  private static byte[] run(boolean encrypts, byte[] key, byte[] nonce, byte[] in, byte[] associated) {
    ChaCha20Poly1305 cipher = new ChaCha20Poly1305();
    cipher.init(encrypts, new AEADParameters(new KeyParameter(key), 8 * TAG_BYTES, nonce, associated));
    byte[] out = new byte[cipher.getOutputSize(in.length)];
    try {
      int size = cipher.processBytes(in, 0, in.length, out, 0);
      size += cipher.doFinal(out, size);
      return size == out.length ? out : Arrays.copyOf(out, size);
    } catch (InvalidCipherTextException e) {
      return null;
    }
  }
}
