package io.github.voicelet;

/** A file of a bundle is shorter than the manifest lists. */
public class BundleTruncatedException extends BundleException {
  private static final long serialVersionUID = 1L;

  public BundleTruncatedException(String message) {
    super(message);
  }

  public BundleTruncatedException(String message, Throwable cause) {
    super(message, cause);
  }
}
