package io.github.voicelet.text;

/** Places of a text in chars, of those in code points; quick where they ascend. */
public final class TextPlaces {
  private final String text; // null where both are the same
  private int codePoint;
  private int index;

  /**
   * For a text.
   *
   * @param text null for none: places stay as they are.
   */
  public TextPlaces(String text) {
    boolean same = text == null || text.codePointCount(0, text.length()) == text.length();
    this.text = same ? null : text;
  }

  /** The index in chars of a code point; the end of the text where it has fewer. */
  public int toUtf16(int place) {
    if (text == null) {
      return place;
    }
    if (place < codePoint) {
      codePoint = 0;
      index = 0;
    }
    while (codePoint < place && index < text.length()) {
      index += Character.charCount(text.codePointAt(index));
      codePoint++;
    }
    return index;
  }
}
