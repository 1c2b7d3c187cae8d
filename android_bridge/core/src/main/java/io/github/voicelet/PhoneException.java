package io.github.voicelet;

/** A phone isn't one of the voice's inventory. */
public class PhoneException extends TextException {
  private static final long serialVersionUID = 1L;

  public PhoneException(String message) {
    super(message);
  }

  public PhoneException(String message, Throwable cause) {
    super(message, cause);
  }
}
