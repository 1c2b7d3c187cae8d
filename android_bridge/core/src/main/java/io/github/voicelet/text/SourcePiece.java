package io.github.voicelet.text;

import io.github.voicelet.text.unicode.Characters;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * A stretch of source: {@link #text} stands at {@code start} to {@code end} of the caller's text, in code points.
 *
 * <p>Where the lengths agree, code point i stands at {@code start + i}; otherwise (an XML entity, the name of a mark)
 * every code point maps to the whole stretch.
 */
final class SourcePiece {
  /** How many code points of the source are cleaned at a time. */
  static final int CHUNK_CHARS = 2048;

  private static final int MAX_CLUSTER = 32;

  final String text;
  final int start;
  final int end;

  SourcePiece(String text, int start, int end) {
    this.text = text;
    this.start = start;
    this.end = end;
  }

  /** Whether every code point has a place of its own in the source. */
  boolean isExact() {
    return CodePoints.count(text) == end - start;
  }

  /**
   * Pieces of about {@link #CHUNK_CHARS} code points of a plain text, never inside a character with its combining
   * marks.
   */
  static Iterator<SourcePiece> plain(String text) {
    return plain(text, 0, CodePoints.count(text));
  }

  /**
   * As {@link #plain(String)}, of a part of a text.
   *
   * @param start code point at which it begins.
   * @param stop code point before which it ends.
   */
  static Iterator<SourcePiece> plain(String text, int start, int stop) {
    return new Iterator<SourcePiece>() {
      private int place = start;
      private int at = CodePoints.toUtf16(text, start);

      @Override
      public boolean hasNext() {
        return place < stop;
      }

      @Override
      public SourcePiece next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        int begin = place;
        int from = at;
        int size = Math.min(CHUNK_CHARS, stop - place);
        at = CodePoints.forward(text, at, size);
        place += size;
        int limit = Math.min(place + MAX_CLUSTER, stop);
        for (; place < limit && continues(text.codePointAt(at)); place++) {
          at += Character.charCount(text.codePointAt(at));
        }
        return new SourcePiece(text.substring(from, at), begin, place);
      }
    };
  }

  private static boolean continues(int code) {
    return code == '\n' || code == 0x200D || code == 0xFE0E || code == 0xFE0F || Characters.isCombining(code);
  }
}
