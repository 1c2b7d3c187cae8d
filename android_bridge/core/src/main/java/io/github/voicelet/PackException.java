package io.github.voicelet;

/** A language pack can't be read; the message says which file is wrong, and where. */
public class PackException extends TextException {
  private static final long serialVersionUID = 1L;

  public PackException(String message) {
    super(message);
  }

  public PackException(String message, Throwable cause) {
    super(message, cause);
  }
}
