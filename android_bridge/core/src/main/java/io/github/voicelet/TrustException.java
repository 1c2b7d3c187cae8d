package io.github.voicelet;

/** Base of what consent, keys, marking and the audit log refuse. */
public class TrustException extends VoiceletException {
  private static final long serialVersionUID = 1L;

  public TrustException(String message) {
    super(message);
  }

  public TrustException(String message, Throwable cause) {
    super(message, cause);
  }
}
