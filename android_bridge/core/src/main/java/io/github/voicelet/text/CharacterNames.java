package io.github.voicelet.text;

import java.util.Collections;
import java.util.Map;

/**
 * What a language calls its marks, letters and keys, for those who hear them one by one. Names are words; "^" spells
 * one.
 */
public final class CharacterNames {
  /** Of a language that names nothing. */
  public static final CharacterNames NONE =
      new CharacterNames(
          Collections.<String, MarkName>emptyMap(),
          Collections.<String, String>emptyMap(),
          Collections.<String, String>emptyMap(),
          "",
          "");

  /** Mark (one code point) → its name and level. */
  public final Map<String, MarkName> marks;

  /** Letter or combining mark, in lower case → name. */
  public final Map<String, String> letters;

  /** Key → name. */
  public final Map<String, String> keys;

  /** Said before a capital letter. */
  public final String capital;

  /** Said before a word of capitals. */
  public final String capitals;

  /** See the fields. */
  public CharacterNames(
      Map<String, MarkName> marks,
      Map<String, String> letters,
      Map<String, String> keys,
      String capital,
      String capitals) {
    this.marks = marks;
    this.letters = letters;
    this.keys = keys;
    this.capital = capital;
    this.capitals = capitals;
  }

  /** What a mark is called, and from which level on it is spoken. */
  public static final class MarkName {
    public final String name;
    public final Reading.Punctuation level;

    public MarkName(String name, Reading.Punctuation level) {
      this.name = name;
      this.level = level;
    }
  }
}
