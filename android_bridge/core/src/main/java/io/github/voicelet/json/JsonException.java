package io.github.voicelet.json;

import io.github.voicelet.VoiceletException;

/** A text isn't JSON, or not the JSON that was expected.  Readers of files turn it into their own error. */
public class JsonException extends VoiceletException {
  private static final long serialVersionUID = 1L;

  public JsonException(String message) {
    super(message);
  }

  public JsonException(String message, Throwable cause) {
    super(message, cause);
  }
}
