package io.github.voicelet.text;

/** How long the silences between clauses are, in milliseconds, 0 to {@link #MAX_PAUSE_MS}. */
public final class Pauses {
  /** The longest silence between two clauses, however many breaks SSML asks for. */
  public static final int MAX_PAUSE_MS = 10_000;

  /** After a clause that a comma, semicolon or colon ends. */
  public final int clauseMs;

  /** Before and after what stands in parentheses. */
  public final int asideMs;

  /** At a dash. */
  public final int dashMs;

  /** At an ellipsis after which the sentence goes on. */
  public final int ellipsisMs;

  /** After a sentence. */
  public final int sentenceMs;

  /** After a sentence that ends in an ellipsis. */
  public final int trailedOffMs;

  /** After a paragraph. */
  public final int paragraphMs;

  /**
   * See the fields.
   *
   * @throws IllegalArgumentException one is out of range.
   */
  public Pauses(
      int clauseMs, int asideMs, int dashMs, int ellipsisMs, int sentenceMs, int trailedOffMs, int paragraphMs) {
    this.clauseMs = checked("clause_ms", clauseMs);
    this.asideMs = checked("aside_ms", asideMs);
    this.dashMs = checked("dash_ms", dashMs);
    this.ellipsisMs = checked("ellipsis_ms", ellipsisMs);
    this.sentenceMs = checked("sentence_ms", sentenceMs);
    this.trailedOffMs = checked("trailed_off_ms", trailedOffMs);
    this.paragraphMs = checked("paragraph_ms", paragraphMs);
  }

  private static int checked(String name, int value) {
    if (value < 0 || value > MAX_PAUSE_MS) {
      throw new IllegalArgumentException(name + " is from 0 to " + MAX_PAUSE_MS + ", not " + value);
    }
    return value;
  }
}
