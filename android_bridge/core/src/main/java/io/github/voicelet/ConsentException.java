package io.github.voicelet;

/** A voice has no consent, or one that isn't genuine or doesn't cover the use. */
public class ConsentException extends TrustException {
  private static final long serialVersionUID = 1L;

  public ConsentException(String message) {
    super(message);
  }

  public ConsentException(String message, Throwable cause) {
    super(message, cause);
  }
}
