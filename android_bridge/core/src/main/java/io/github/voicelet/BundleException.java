package io.github.voicelet;

/** A bundle can't be read. */
public class BundleException extends VoiceletException {
  private static final long serialVersionUID = 1L;

  public BundleException(String message) {
    super(message);
  }

  public BundleException(String message, Throwable cause) {
    super(message, cause);
  }
}
