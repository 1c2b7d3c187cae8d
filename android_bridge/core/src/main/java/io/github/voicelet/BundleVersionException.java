package io.github.voicelet;

/** The bundle is newer, or older, than this runtime understands. */
public class BundleVersionException extends BundleException {
  private static final long serialVersionUID = 1L;

  public BundleVersionException(String message) {
    super(message);
  }

  public BundleVersionException(String message, Throwable cause) {
    super(message, cause);
  }
}
