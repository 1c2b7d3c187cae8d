package io.github.voicelet.profiles.vault;

/**
 * Encrypts small secrets under a key that never leaves its place: on Android one of the Keystore (AES-GCM), which the system
 * destroys when the owner removes the screen lock, for one.
 */
public interface KeyWrapper {
  /**
   * Encrypt a secret.
   *
   * @param associated bound to it, and needed to have it back.
   * @throws io.github.voicelet.ProfileLockedException the key isn't to be had: locked, or gone.
   */
  byte[] wrap(byte[] secret, byte[] associated);

  /**
   * Inverse of {@link #wrap}.
   *
   * @throws io.github.voicelet.ProfileLockedException the key is locked, was destroyed by the system, or is another one. Nothing
   *     is thrown away then: the profiles stay where they are, until a key that opens them is back.
   */
  byte[] unwrap(byte[] wrapped, byte[] associated);
}
