package io.github.voicelet;

/** A file of a bundle doesn't match its hash, or the manifest its signature. */
public class BundleTamperedException extends BundleException {
  private static final long serialVersionUID = 1L;

  public BundleTamperedException(String message) {
    super(message);
  }

  public BundleTamperedException(String message, Throwable cause) {
    super(message, cause);
  }
}
