package io.github.voicelet;

/** Sealed data can't be opened, or a signature doesn't hold. */
public class SealException extends TrustException {
  private static final long serialVersionUID = 1L;

  public SealException(String message) {
    super(message);
  }

  public SealException(String message, Throwable cause) {
    super(message, cause);
  }
}
