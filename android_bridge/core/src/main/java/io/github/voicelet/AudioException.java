package io.github.voicelet;

/** A recording can't be read or isn't speech. */
public class AudioException extends VoiceletException {
  private static final long serialVersionUID = 1L;

  public AudioException(String message) {
    super(message);
  }

  public AudioException(String message, Throwable cause) {
    super(message, cause);
  }
}
