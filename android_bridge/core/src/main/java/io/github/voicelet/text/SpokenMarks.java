package io.github.voicelet.text;

import io.github.voicelet.text.unicode.Characters;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Queue;

/**
 * Punctuation by name: the names are put into the text beside the marks, before it is scanned.
 *
 * <p>So every rule of a language sees words where a mark is to be spoken, and its numbers, dates and abbreviations fall apart there as
 * a listener expects who asked for the marks: "3:45" is "3 colon 45". A name stands at its mark's place in the caller's text. The
 * point and the comma inside a number stay as they are, for numbers say them, and so does an apostrophe inside a word.
 */
final class SpokenMarks implements Iterator<SourcePiece> {
  /** A longer run of one mark is said as its number and its name once. */
  private static final int MOST_REPEATED = 3;

  /** Marks that stay beside their name where they end something, for the pause and the tune. */
  private static final String SHAPING = ".,;:?!…";

  private final Iterator<SourcePiece> pieces;
  private final Map<Integer, String> spoken = new HashMap<>();
  private final boolean inlinePhones;
  private final Queue<SourcePiece> ready = new ArrayDeque<>();

  /**
   * Of a source, in order.
   *
   * @param names of the language.
   * @param reading which marks are spoken.
   * @param inlinePhones leave {@code [[…]]} alone.
   */
  SpokenMarks(Iterator<SourcePiece> pieces, CharacterNames names, Reading reading, boolean inlinePhones) {
    this.pieces = pieces;
    this.inlinePhones = inlinePhones;
    for (Map.Entry<String, CharacterNames.MarkName> mark : names.marks.entrySet()) {
      if (reading.speaks(mark.getValue().level)) {
        spoken.put(mark.getKey().codePointAt(0), mark.getValue().name);
      }
    }
  }

  @Override
  public boolean hasNext() {
    while (ready.isEmpty() && pieces.hasNext()) {
      SourcePiece piece = pieces.next();
      if (spoken.isEmpty()) {
        ready.add(piece);
      } else {
        new Cutter(piece).cut();
      }
    }
    return !ready.isEmpty();
  }

  @Override
  public SourcePiece next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return ready.remove();
  }

  /** Cuts one piece, from its start to its end. */
  private final class Cutter {
    private final SourcePiece piece;
    private final String text;
    private final boolean exact;
    private int index;
    private int codePoint;

    Cutter(SourcePiece piece) {
      this.piece = piece;
      text = piece.text;
      exact = piece.isExact();
    }

    void cut() {
      int done = 0;
      int at = 0;
      while (at < text.length()) {
        int mark = text.codePointAt(at);
        int start = at;
        at += Character.charCount(mark);
        if (!spoken.containsKey(mark)) {
          continue;
        }
        int count = 1;
        while (at < text.length() && text.codePointAt(at) == mark) {
          at += Character.charCount(mark);
          count++;
        }
        int phones = inlinePhones ? Shapes.phones(text, start) : -1;
        if (phones >= 0) {
          at = phones;
        } else if (!isInside(mark, start, at)) {
          if (start > done) {
            ready.add(part(done, start));
          }
          ready.add(said(mark, count, part(start, at), at));
          done = at;
        }
      }
      if (done < text.length()) {
        ready.add(part(done, text.length()));
      }
    }

    /** Whether a mark belongs to the number or word that it stands in. */
    private boolean isInside(int mark, int start, int end) {
      if (start == 0 || end == text.length()) {
        return false;
      }
      int before = text.codePointBefore(start);
      int after = text.codePointAt(end);
      if (mark == '.' || mark == ',') {
        return Characters.isDecimal(before) && Characters.isDecimal(after);
      }
      return (mark == '\'' || mark == '’') && Characters.isLetter(before) && Characters.isLetter(after);
    }

    private SourcePiece part(int start, int end) {
      String inner = text.substring(start, end);
      if (!exact) {
        return new SourcePiece(inner, piece.start, piece.end);
      }
      codePoint += text.codePointCount(index, start);
      index = start;
      int from = codePoint;
      return new SourcePiece(inner, piece.start + from, piece.start + from + CodePoints.count(inner));
    }

    private SourcePiece said(int mark, int count, SourcePiece stands, int end) {
      String name = spoken.get(mark);
      StringBuilder said = new StringBuilder(" ");
      if (count > MOST_REPEATED) {
        said.append(count).append(' ').append(name);
      } else {
        for (int i = 0; i < count; i++) {
          said.append(i == 0 ? "" : " ").append(name);
        }
      }
      boolean isLast = end == text.length() || Characters.isSpace(text.codePointAt(end));
      said.append(SHAPING.indexOf(mark) >= 0 && isLast ? CodePoints.string(mark) : "").append(' ');
      if (said.codePointCount(0, said.length()) == stands.end - stands.start) {
        said.append(' '); // by another length it shows that it isn't the source itself
      }
      return new SourcePiece(said.toString(), stands.start, stands.end);
    }
  }
}
