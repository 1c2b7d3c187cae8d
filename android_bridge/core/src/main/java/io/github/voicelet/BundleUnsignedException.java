package io.github.voicelet;

/** A bundle has no signature where one is required, or none by a key that is trusted. */
public class BundleUnsignedException extends BundleException {
  private static final long serialVersionUID = 1L;

  public BundleUnsignedException(String message) {
    super(message);
  }

  public BundleUnsignedException(String message, Throwable cause) {
    super(message, cause);
  }
}
