package io.github.voicelet.text;

/** How a text is read to somebody who can't see it: what screen readers ask for. */
public final class Reading {
  /** Which marks are spoken by name; each level speaks the marks of those before it, too. */
  public enum Punctuation {
    NONE,
    SOME,
    MOST,
    ALL
  }

  /** How a capital is made known: by a word before it, by a higher pitch or by a short tone. */
  public enum Capitals {
    NONE,
    SAY,
    PITCH,
    TONE
  }

  /** Text as it is read to anybody. */
  public static final Reading PLAIN = new Reading(Punctuation.NONE, Capitals.NONE, false);

  /** Which marks are spoken by name; with NONE they only shape the speech. */
  public final Punctuation punctuation;

  /** How a capital is made known. */
  public final Capitals capitals;

  /** The text is one character or the name of a key. */
  public final boolean key;

  /** See the fields. */
  public Reading(Punctuation punctuation, Capitals capitals, boolean key) {
    this.punctuation = punctuation;
    this.capitals = capitals;
    this.key = key;
  }

  /** Whether marks of a level are spoken. */
  boolean speaks(Punctuation level) {
    return level.ordinal() <= punctuation.ordinal();
  }

  /** The same with other marks. */
  Reading with(Punctuation other) {
    return new Reading(other, capitals, key);
  }
}
