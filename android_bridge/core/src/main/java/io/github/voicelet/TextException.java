package io.github.voicelet;

/** The text can't be turned into phones. */
public class TextException extends VoiceletException {
  private static final long serialVersionUID = 1L;

  public TextException(String message) {
    super(message);
  }

  public TextException(String message, Throwable cause) {
    super(message, cause);
  }
}
