package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The body of a rule of numbers.rbnf, taken apart: texts and substitutions. */
final class NumberRule {
  private static final int MAX_SUBSTITUTIONS = 6;
  private static final int MAX_SET_NAME = 60;
  private static final int MAX_FORMAT = 12;
  private static final int MAX_CATEGORY = 5;

  /** The least number that takes it. */
  final long base;

  final long divisor;

  /** Says any number. */
  final List<Piece> full;

  /** Without the brackets: says a multiple of the divisor; null for none. */
  final List<Piece> shortened;

  /** Whether the rule before it says multiples of the divisor. */
  final boolean givesWay;

  NumberRule(long base, long divisor, List<Piece> full, List<Piece> shortened, boolean givesWay) {
    this.base = base;
    this.divisor = divisor;
    this.full = full;
    this.shortened = shortened;
    this.givesWay = givesWay;
  }

  /** A text, or what is put in its place. */
  static final class Piece {
    /**
     * What a piece is: a text, number div divisor, number mod divisor (by the rule before), the number, plural forms.
     */
    enum Kind {
      TEXT,
      QUOTIENT,
      REMAINDER,
      REMAINDER_BEFORE,
      SAME,
      CARDINAL,
      ORDINAL
    }

    final Kind kind;

    /** The text; of a substitution the set that says it ("%name"), a format of digits, or "". */
    final String text;

    /** Plural category → text. */
    final Map<String, String> options;

    Piece(Kind kind, String text, Map<String, String> options) {
      this.kind = kind;
      this.text = text;
      this.options = options;
    }

    Piece(Kind kind, String text) {
      this(kind, text, Collections.<String, String>emptyMap());
    }

    boolean namesSet() {
      return kind != Kind.TEXT && text.startsWith("%");
    }

    boolean isFormat() {
      return kind != Kind.TEXT && !text.isEmpty() && !text.startsWith("%");
    }

    boolean divides() {
      return kind == Kind.QUOTIENT || kind == Kind.REMAINDER || kind == Kind.REMAINDER_BEFORE;
    }
  }

  /**
   * Take a body apart.
   *
   * @throws PackException a substitution is open, or there are too many.
   */
  static List<Piece> pieces(String body, String where) {
    List<Piece> pieces = new ArrayList<>();
    int substitutions = 0;
    for (int at = 0; at < body.length(); ) {
      char c = body.charAt(at);
      int end;
      Piece piece;
      if (c == '$') {
        end = closing(body, at);
        piece = plural(body, at, end, where);
      } else if (c == '<' || c == '>' || c == '=') {
        end = substitution(body, at);
        if (end < 0) {
          throw new PackException(where + ": '" + c + "' opens no substitution that ends");
        }
        if (c == '>' && end == at + 3 && body.charAt(at + 1) == '>') {
          piece = new Piece(Piece.Kind.REMAINDER_BEFORE, "");
        } else {
          Piece.Kind kind =
              c == '<' ? Piece.Kind.QUOTIENT : c == '>' ? Piece.Kind.REMAINDER : Piece.Kind.SAME;
          piece = new Piece(kind, body.substring(at + 1, end - 1));
        }
      } else {
        end = at;
        while (end < body.length() && "<>=$".indexOf(body.charAt(end)) < 0) {
          end++;
        }
        piece = new Piece(Piece.Kind.TEXT, body.substring(at, end));
      }
      substitutions += piece.kind == Piece.Kind.TEXT ? 0 : 1;
      pieces.add(piece);
      at = end;
    }
    if (substitutions > MAX_SUBSTITUTIONS) {
      throw new PackException(where + ": more than six substitutions");
    }
    return pieces;
  }

  /** The end of a substitution that opens here; -1 where it doesn't end. */
  private static int substitution(String body, int at) {
    char c = body.charAt(at);
    if (c != '=' && body.startsWith(c + "" + c, at)) {
      return c == '>' && body.startsWith(">>>", at) ? at + 3 : at + 2;
    }
    int from = at + 1;
    int end = from;
    while (end < body.length() && body.charAt(end) == '%' && end < from + 2) {
      end++;
    }
    if (end > from) {
      int name = end;
      while (end < body.length() && "<>=;".indexOf(body.charAt(end)) < 0) {
        end++;
      }
      int size = body.codePointCount(name, end);
      // A third "%" would be the name's own.
      return size >= 1 && size <= MAX_SET_NAME && body.startsWith(String.valueOf(c), end) ? end + 1 : -1;
    }
    while (end < body.length() && "#0,.".indexOf(body.charAt(end)) >= 0) {
      end++;
    }
    boolean format = end > from && end - from <= MAX_FORMAT;
    return format && body.startsWith(String.valueOf(c), end) ? end + 1 : -1;
  }

  private static int closing(String body, int at) {
    int end = body.indexOf(")$", at);
    return end < 0 ? body.length() : end + 2;
  }

  private static Piece plural(String body, int at, int end, String where) {
    String text = body.substring(at, end);
    boolean cardinal = text.startsWith("$(cardinal,");
    if (!text.endsWith(")$") || (!cardinal && !text.startsWith("$(ordinal,"))) {
      throw new PackException(where + ": '$' opens no substitution that ends");
    }
    Map<String, String> options = new HashMap<>();
    int last = text.length() - 2;
    for (int from = text.indexOf(',') + 1; from < last; ) {
      int open = text.indexOf('{', from);
      int close = text.indexOf('}', from);
      boolean right = open > from && open - from <= MAX_CATEGORY && close > open && close < last;
      if (!right || text.lastIndexOf('{', close) != open) {
        throw new PackException(where + ": '$' opens no substitution that ends");
      }
      options.put(text.substring(from, open), text.substring(open + 1, close));
      from = close + 1;
    }
    if (!Plurals.CATEGORIES.containsAll(options.keySet()) || !options.containsKey("other")) {
      throw new PackException(
          where + ": plural forms are " + Whitespace.join(", ", Plurals.CATEGORIES) + ", with 'other'");
    }
    return new Piece(cardinal ? Piece.Kind.CARDINAL : Piece.Kind.ORDINAL, "", options);
  }
}
