package io.github.voicelet.text;

/** Where a word lies in {@link PhoneClause#phones}. */
public final class SpokenWord {
  /** The word as it was said. */
  public final String text;
  /** Where it begins in the caller's text, in code points. */
  public final int spanStart;
  /** Where it ends in the caller's text, in code points. */
  public final int spanEnd;
  /** Its first phone. */
  public final int phoneStart;
  /** The phone behind its last. */
  public final int phoneEnd;
  /** It has a capital that is to be heard. */
  public final boolean capital;

  public SpokenWord(String text, int spanStart, int spanEnd, int phoneStart, int phoneEnd, boolean capital) {
    this.text = text;
    this.spanStart = spanStart;
    this.spanEnd = spanEnd;
    this.phoneStart = phoneStart;
    this.phoneEnd = phoneEnd;
    this.capital = capital;
  }

  /** Whether it was made of a word. */
  boolean isOf(Word word) {
    return text.equals(word.text) && spanStart == word.spanStart && spanEnd == word.spanEnd;
  }
}
