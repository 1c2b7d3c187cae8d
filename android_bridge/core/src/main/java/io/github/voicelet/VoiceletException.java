package io.github.voicelet;

/**
 * Base of every error that voicelet raises on purpose; the message names the remedy.
 *
 * <p>The subclasses have the names of Python's error tree ({@code BundleError} is {@link BundleException}), so that a
 * page of the documentation serves both.
 */
public class VoiceletException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public VoiceletException(String message) {
    super(message);
  }

  public VoiceletException(String message, Throwable cause) {
    super(message, cause);
  }
}
