package io.github.voicelet.trust.audit;

/** Something that is wrong with a log. Immutable. */
public final class AuditProblem {
  private final String kind;
  private final String message;

  AuditProblem(String kind, String message) {
    this.kind = kind;
    this.message = message;
  }

  /** "edited", "missing", "order", "cut", "signature", "head" or "break". */
  public String kind() {
    return kind;
  }

  /** Where and what. */
  public String message() {
    return message;
  }

  @Override
  public String toString() {
    return message;
  }
}
