package io.github.voicelet.profiles.vault;

import io.github.voicelet.ProfileException;

/** Encrypted under a key that isn't the vault's, or isn't any more. */
final class UnknownKeyException extends ProfileException {
  private static final long serialVersionUID = 1L;

  UnknownKeyException(String message) {
    super(message);
  }
}
