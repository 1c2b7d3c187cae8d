package io.github.voicelet.trust.keys;

/** Where small secrets of this device are kept: {@link SecretFiles}, or the system's keystore. */
public interface SecretStore {
  /** "file", or "keystore" for one of the system's; kept beside the key, so that it is looked for there. */
  String place();

  /**
   * Keep a secret.
   *
   * @param name a-z, 0-9 and dash.
   * @throws io.github.voicelet.SealException it can't be kept.
   */
  void write(String name, byte[] secret);

  /**
   * A secret that was kept.
   *
   * @return null where there is none.
   * @throws io.github.voicelet.SealException it can't be read: the keystore is locked, or the file is damaged.
   */
  byte[] read(String name);

  /**
   * Forget a secret; nothing happens where there is none.
   *
   * @throws io.github.voicelet.SealException it is still there.
   */
  void delete(String name);
}
