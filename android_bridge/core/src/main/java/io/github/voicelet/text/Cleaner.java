package io.github.voicelet.text;

import io.github.voicelet.text.unicode.Characters;
import io.github.voicelet.text.unicode.Normalizer;
import java.util.HashMap;
import java.util.Map;

/**
 * Unicode clean-up: whatever a caller sends becomes a small, known alphabet, with a map back.
 *
 * <p>After it a text holds letters (composed), ASCII digits and punctuation, a few symbols that rules read aloud,
 * emoji, single spaces and line breaks. NFKC is applied cluster by cluster, except where it would change what is said
 * ("2½" must not become "21/2"). Everything invisible goes. White space is collapsed across the borders of pieces,
 * and dropped at both ends.
 */
final class Cleaner {
  private static final int MAX_CLUSTER = 32;
  private static final int MAX_NORMALIZED = 4;

  /** Kept as they are, since NFKC would lose what they mean; rules of a language read them. */
  private static final String SAME = "…¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞²³¹⁰⁴⁵⁶⁷⁸⁹⁻⁺™©®ªº№";

  private static final Map<Integer, String> TABLE = new HashMap<>();

  static {
    put("‘’‚‛′ʹʻʼʽˈ`´＇", "'");
    put("“”„‟«»″‹›〝〞「」『』", "\"");
    put("‐‑", "-");
    put("‒–", "–");
    put("―⸺⸻", "—");
    put("\r\n\u000b\f\u0085\u2028", "\n");
    put("\u2029", "\n\n");
    put("\t", " ");
    put("\u00ad℠", "");
    put("、،", ",");
    put("。।", ".");
    put("؛", ";");
    put("؟", "?");
    put("⁄", "/");
    put("ﬀ", "ff");
  }

  private final boolean newlines;
  private final Map<Integer, String> table;

  /** White space seen but not yet given out: "", " ", "\n" or "\n\n". */
  private String blank = "";

  private int blankStart;
  private int blankEnd;
  private boolean begun;
  private boolean carriage;

  /**
   * Begins with the first piece.
   *
   * @param newlines keep line and paragraph breaks; otherwise (XML) they are spaces.
   * @param table code point → what it becomes in this language.
   */
  Cleaner(boolean newlines, Map<Integer, String> table) {
    this.newlines = newlines;
    this.table = table;
  }

  private static void put(String characters, String becomes) {
    for (int code : CodePoints.of(characters)) {
      TABLE.put(code, becomes);
    }
  }

  /** Add the clean text of the next piece. */
  void clean(SourcePiece piece, Cleaned out) {
    String text = piece.text;
    boolean exact = piece.isExact();
    int place = piece.start; // of the source, where the piece is exact
    for (int i = 0; i < text.length(); ) {
      int code = text.codePointAt(i);
      int next = i + Character.charCount(code);
      if (code > ' ' && code <= '~' && code != '`' && !combines(text, next)) {
        flush(out);
        carriage = false;
        out.add(code, exact ? place : piece.start, exact ? place + 1 : piece.end);
        place++;
        i = next;
        continue;
      }
      int size = 1;
      int normalized = next;
      while (next < text.length() && size < MAX_CLUSTER && Characters.isCombining(text.codePointAt(next))) {
        next += Character.charCount(text.codePointAt(next));
        size++;
        normalized = size <= MAX_NORMALIZED ? next : normalized;
      }
      int start = exact ? place : piece.start;
      int end = exact ? place + size : piece.end;
      String clean;
      if (code == '\n' && carriage) { // "\r\n" is one line break, not two
        clean = "";
      } else if (table.containsKey(code)) {
        clean = table.get(code);
      } else {
        clean = cluster(code, text, i, normalized);
      }
      carriage = code == '\r';
      for (int j = 0; j < clean.length(); ) {
        int c = clean.codePointAt(j);
        if (c == ' ' || c == '\n') {
          space(c, start, end);
        } else {
          flush(out);
          out.add(c, start, end);
        }
        j += Character.charCount(c);
      }
      place += size;
      i = next;
    }
  }

  private static boolean combines(String text, int at) {
    return at < text.length() && text.charAt(at) > 0x2FF && Characters.isCombining(text.codePointAt(at));
  }

  /** What a character with its combining marks becomes. */
  private static String cluster(int base, String text, int from, int to) {
    String known = TABLE.get(base);
    if (known != null) {
      return known;
    }
    if (SAME.indexOf(base) >= 0) {
      return CodePoints.string(base);
    }
    if (Characters.isSeparator(base)) {
      return " ";
    }
    if (Characters.isOther(base)) {
      return "";
    }
    if (Characters.isDecimal(base)) {
      return Integer.toString(Characters.decimalValue(base));
    }
    String normal = Normalizer.nfkc(text.substring(from, to));
    StringBuilder out = new StringBuilder(normal.length());
    for (int i = 0; i < normal.length(); ) {
      int code = normal.codePointAt(i);
      i += Character.charCount(code);
      if (Characters.isMark(code) || Characters.isOther(code)) {
        continue;
      }
      String becomes = Characters.isSeparator(code) ? " " : TABLE.get(code);
      if (becomes == null) {
        out.appendCodePoint(code);
      } else {
        out.append(becomes);
      }
    }
    return out.toString();
  }

  private void space(int code, int start, int end) {
    if (code == '\n' && newlines) {
      blank = blank.indexOf('\n') >= 0 ? "\n\n" : "\n";
    } else if (blank.isEmpty()) {
      blank = " ";
    }
    blankStart = start;
    blankEnd = end;
  }

  private void flush(Cleaned out) {
    if (begun) {
      for (int i = 0; i < blank.length(); i++) {
        out.add(blank.charAt(i), blankStart, blankEnd);
      }
    }
    blank = "";
    begun = true;
    carriage = false;
  }
}
