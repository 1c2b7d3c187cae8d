package io.github.voicelet;

/** An option has an impossible value. */
public class ConfigException extends VoiceletException {
  private static final long serialVersionUID = 1L;

  public ConfigException(String message) {
    super(message);
  }

  public ConfigException(String message, Throwable cause) {
    super(message, cause);
  }
}
