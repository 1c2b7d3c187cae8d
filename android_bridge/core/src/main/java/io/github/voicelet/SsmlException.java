package io.github.voicelet;

/** The SSML isn't well formed, nests too deep or uses a tag that isn't supported. */
public class SsmlException extends TextException {
  private static final long serialVersionUID = 1L;

  public SsmlException(String message) {
    super(message);
  }

  public SsmlException(String message, Throwable cause) {
    super(message, cause);
  }
}
