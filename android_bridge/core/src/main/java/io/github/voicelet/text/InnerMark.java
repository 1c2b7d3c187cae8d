package io.github.voicelet.text;

/** An SSML mark that is reached within a clause. */
public final class InnerMark {
  /** Of the mark. */
  public final String name;

  /** What comes next: the index of a token or of a phone; the number of them where the clause is over by then. */
  public final int at;

  /** See the fields. */
  public InnerMark(String name, int at) {
    this.name = name;
    this.at = at;
  }
}
