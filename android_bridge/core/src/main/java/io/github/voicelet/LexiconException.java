package io.github.voicelet;

/** A user's lexicon can't be read. */
public class LexiconException extends TextException {
  private static final long serialVersionUID = 1L;

  public LexiconException(String message) {
    super(message);
  }

  public LexiconException(String message, Throwable cause) {
    super(message, cause);
  }
}
