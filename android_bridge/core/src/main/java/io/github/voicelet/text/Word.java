package io.github.voicelet.text;

/** One thing to pronounce. */
public final class Word implements Token {
  /**
   * As it is to be said: letters and apostrophes only, case kept, already spelled out ("twenty", "Doctor"). May be
   * empty where {@link #phones} came from inline {@code [[…]]}.
   */
  public final String text;

  /**
   * Where it stands in the caller's text, in code points. The words of one expansion ("$5" is "five dollars") share
   * their span.
   */
  public final int spanStart;

  /** The end of its span. */
  public final int spanEnd;

  /** Given by the caller, in the symbols of the inventory, to be used as they are; may hold spaces. Null for none. */
  public final String phones;

  /**
   * Say the letters one by one ("FBI"); a lower-case "s" or "'s" at the end is its plural or possessive, not a
   * letter.
   */
  public final boolean spell;

  /** From SSML. */
  public final Emphasis emphasis;

  /** Whether it has a capital that is to be heard. */
  public final boolean capital;

  /** BCP 47 tag of the language whose word it is; "" for that of the text. */
  public final String language;

  /** Whether there is no space before it, where its phones are given. */
  public final boolean joined;

  /** Id of the rule of a language pack that read it; "" for none. */
  public final String rule;

  /** The file of that rule; "" for none. */
  public final String ruleFile;

  private Word(Builder builder) {
    text = builder.text;
    spanStart = builder.spanStart;
    spanEnd = builder.spanEnd;
    phones = builder.phones;
    spell = builder.spell;
    emphasis = builder.emphasis;
    capital = builder.capital;
    language = builder.language;
    joined = builder.joined;
    rule = builder.rule;
    ruleFile = builder.ruleFile;
  }

  /** A plain word. */
  static Word of(String text, int spanStart, int spanEnd, Emphasis emphasis) {
    return new Builder(text, spanStart, spanEnd).emphasis(emphasis).build();
  }

  @Override
  public String text() {
    return text;
  }

  /** A copy to change. */
  Builder copy() {
    return new Builder(text, spanStart, spanEnd)
        .phones(phones)
        .spell(spell)
        .emphasis(emphasis)
        .capital(capital)
        .language(language)
        .joined(joined)
        .rule(rule, ruleFile);
  }

  @Override
  public String toString() {
    return (spell ? "^" : "") + text + (phones == null ? "" : "[[" + phones + "]]");
  }

  /** Makes a word. */
  static final class Builder {
    private final String text;
    private final int spanStart;
    private final int spanEnd;
    private String phones;
    private boolean spell;
    private Emphasis emphasis = Emphasis.NONE;
    private boolean capital;
    private String language = "";
    private boolean joined;
    private String rule = "";
    private String ruleFile = "";

    Builder(String text, int spanStart, int spanEnd) {
      this.text = text;
      this.spanStart = spanStart;
      this.spanEnd = spanEnd;
    }

    Builder phones(String value) {
      phones = value;
      return this;
    }

    Builder spell(boolean value) {
      spell = value;
      return this;
    }

    Builder emphasis(Emphasis value) {
      emphasis = value;
      return this;
    }

    Builder capital(boolean value) {
      capital = value;
      return this;
    }

    Builder language(String value) {
      language = value;
      return this;
    }

    Builder joined(boolean value) {
      joined = value;
      return this;
    }

    Builder rule(String name, String file) {
      rule = name;
      ruleFile = file;
      return this;
    }

    Word build() {
      return new Word(this);
    }
  }
}
