package io.github.voicelet;

/** Speech was cancelled from another thread. */
public class CancelledSpeechException extends VoiceletException {
  private static final long serialVersionUID = 1L;

  public CancelledSpeechException(String message) {
    super(message);
  }

  public CancelledSpeechException(String message, Throwable cause) {
    super(message, cause);
  }
}
