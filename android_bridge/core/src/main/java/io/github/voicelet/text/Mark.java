package io.github.voicelet.text;

/** Punctuation to be kept as a phone: one of {@link #MARKS}. */
public final class Mark implements Token {
  /** Punctuation that is kept: each of these is also a symbol of the phone inventory. */
  static final String MARKS = ".,?!;:…—\"()";

  /** The mark. */
  public final String text;

  Mark(String text) {
    this.text = text;
  }

  @Override
  public String text() {
    return text;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Mark && ((Mark) other).text.equals(text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  @Override
  public String toString() {
    return text;
  }
}
