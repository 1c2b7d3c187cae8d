package io.github.voicelet;

/** The key or the passphrase of the vault is missing or wrong. */
public class ProfileLockedException extends ProfileException {
  private static final long serialVersionUID = 1L;

  public ProfileLockedException(String message) {
    super(message);
  }

  public ProfileLockedException(String message, Throwable cause) {
    super(message, cause);
  }
}
