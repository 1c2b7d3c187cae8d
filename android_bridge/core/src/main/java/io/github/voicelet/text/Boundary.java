package io.github.voicelet.text;

/** A break between lines or paragraphs of a text. */
final class Boundary implements Item {
  static final Boundary LINE = new Boundary(false);
  static final Boundary PARAGRAPH = new Boundary(true);

  /** Whether a paragraph ends, not only a line. */
  final boolean paragraph;

  private Boundary(boolean paragraph) {
    this.paragraph = paragraph;
  }

  @Override
  public String toString() {
    return paragraph ? "<paragraph>" : "<line>";
  }
}
