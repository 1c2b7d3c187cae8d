package io.github.voicelet.text;

import java.util.Iterator;

/**
 * The part of a clean text around the place that is read: it reaches {@link #LOOKAHEAD} code points on, or to the
 * end.
 */
final class Window {
  static final int LOOKAHEAD = 640;
  private static final int BEHIND = 96;

  private final Iterator<SourcePiece> pieces;
  private final Cleaner cleaner;
  private final Cleaned cleaned = new Cleaned();
  private String text = "";
  private int at;
  private boolean isWhole;

  /** Of source in order. */
  Window(Iterator<SourcePiece> pieces, Cleaner cleaner) {
    this.pieces = pieces;
    this.cleaner = cleaner;
  }

  /**
   * Move on, if what lies ahead is too short.
   *
   * @param place where the reader stands, in UTF-16 units.
   * @return whether the text is another now, and the reader at another {@link #place}.
   */
  boolean fill(int place) {
    at = place;
    if (isWhole || reaches()) {
      return false;
    }
    int drop = CodePoints.back(text, at, BEHIND);
    cleaned.drop(drop);
    at -= drop;
    text = text.substring(drop);
    while (!reaches()) {
      if (!pieces.hasNext()) {
        isWhole = true;
        break;
      }
      cleaner.clean(pieces.next(), cleaned);
      text = cleaned.text.toString();
    }
    return true;
  }

  private boolean reaches() {
    int ahead = text.length() - at;
    return ahead >= LOOKAHEAD && (ahead >= 2 * LOOKAHEAD || text.codePointCount(at, text.length()) >= LOOKAHEAD);
  }

  String text() {
    return text;
  }

  /** Where the reader stands after {@link #fill}. */
  int place() {
    return at;
  }

  /** Whether the text ends where the window ends. */
  boolean isWhole() {
    return isWhole;
  }

  /** The code point of the source at which what stands at a place begins. */
  int start(int place) {
    return cleaned.start(place);
  }

  /** The end in the source of all from one place to another. */
  int end(int from, int to) {
    return cleaned.lastEnd(from, to);
  }
}
