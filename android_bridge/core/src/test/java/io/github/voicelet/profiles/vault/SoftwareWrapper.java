package io.github.voicelet.profiles.vault;

import io.github.voicelet.ProfileLockedException;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.KeyGenerator;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;

/** AES-GCM under a key in memory, as Android's Keystore does it under one of the hardware's. */
final class SoftwareWrapper implements KeyWrapper {
  private static final int NONCE_BYTES = 12;

  private SecretKey key = newKey();

  private static SecretKey newKey() {
    try {
      KeyGenerator generator = KeyGenerator.getInstance("AES");
      generator.init(256);
      return generator.generateKey();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The system destroys the key, as it does when the screen lock goes; returns it, for who has a second one. */
  SecretKey invalidate() {
    SecretKey old = key;
    key = null;
    return old;
  }

  void use(SecretKey other) {
    key = other;
  }

  @Override
  public byte[] wrap(byte[] secret, byte[] associated) {
    byte[] nonce = new byte[NONCE_BYTES];
    new SecureRandom().nextBytes(nonce);
    byte[] box = run(Cipher.ENCRYPT_MODE, nonce, secret, associated);
    byte[] out = Arrays.copyOf(nonce, NONCE_BYTES + box.length);
    System.arraycopy(box, 0, out, NONCE_BYTES, box.length);
    return out;
  }

  @Override
  public byte[] unwrap(byte[] wrapped, byte[] associated) {
    byte[] nonce = Arrays.copyOf(wrapped, NONCE_BYTES);
    return run(Cipher.DECRYPT_MODE, nonce, Arrays.copyOfRange(wrapped, NONCE_BYTES, wrapped.length), associated);
  }

  private byte[] run(int mode, byte[] nonce, byte[] data, byte[] associated) {
    if (key == null) {
      throw new ProfileLockedException("the keystore's key was destroyed; import the profiles again");
    }
    try {
      Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
      cipher.init(mode, key, new GCMParameterSpec(128, nonce));
      cipher.updateAAD(associated);
      return cipher.doFinal(data);
    } catch (GeneralSecurityException e) {
      throw new ProfileLockedException("the keystore's key is another one; import the profiles again", e);
    }
  }
}
