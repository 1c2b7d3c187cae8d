package io.github.voicelet.profiles.vault;

import io.github.voicelet.trust.keys.SecretFiles;
import io.github.voicelet.trust.keys.SecretStore;
import java.io.File;
import java.nio.charset.StandardCharsets;

/** Secrets in files, encrypted by a {@link KeyWrapper}: worth nothing on another device. */
public final class WrappedSecrets implements SecretStore {
  private static final String SUFFIX = "-wrapped";

  private final SecretFiles files;
  private final KeyWrapper wrapper;

  /** In one folder, which is made when first written to. */
  public WrappedSecrets(File folder, KeyWrapper wrapper) {
    files = new SecretFiles(folder);
    this.wrapper = wrapper;
  }

  @Override
  public String place() {
    return Slot.KEYSTORE;
  }

  @Override
  public void write(String name, byte[] secret) {
    files.write(name + SUFFIX, wrapper.wrap(secret, associated(name)));
  }

  @Override
  public byte[] read(String name) {
    byte[] wrapped = files.read(name + SUFFIX);
    return wrapped == null ? null : wrapper.unwrap(wrapped, associated(name));
  }

  @Override
  public void delete(String name) {
    files.delete(name + SUFFIX);
  }

  private static byte[] associated(String name) {
    return ("voicelet wrapped secret 1\n" + name).getBytes(StandardCharsets.US_ASCII);
  }
}
