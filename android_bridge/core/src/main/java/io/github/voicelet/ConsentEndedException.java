package io.github.voicelet;

/** The consent to a voice was withdrawn or has expired. */
public class ConsentEndedException extends ConsentException {
  private static final long serialVersionUID = 1L;

  public ConsentEndedException(String message) {
    super(message);
  }

  public ConsentEndedException(String message, Throwable cause) {
    super(message, cause);
  }
}
