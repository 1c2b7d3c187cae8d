package io.github.voicelet;

/** A profile can't be read, written or used with this bundle. */
public class ProfileException extends VoiceletException {
  private static final long serialVersionUID = 1L;

  public ProfileException(String message) {
    super(message);
  }

  public ProfileException(String message, Throwable cause) {
    super(message, cause);
  }
}
