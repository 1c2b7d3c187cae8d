package io.github.voicelet;

/** The audit log was edited, cut or reordered, or can't be written. */
public class AuditException extends TrustException {
  private static final long serialVersionUID = 1L;

  public AuditException(String message) {
    super(message);
  }

  public AuditException(String message, Throwable cause) {
    super(message, cause);
  }
}
