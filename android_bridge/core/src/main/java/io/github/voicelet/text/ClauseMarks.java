package io.github.voicelet.text;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** What the marks of a clause allow, and what becomes of them. */
final class ClauseMarks {
  static final String STRONG = ".?!…";
  static final String WEAK = ",;:";
  static final Mark COMMA = new Mark(",");
  static final Mark STOP = new Mark(".");
  static final Mark ELLIPSIS = new Mark("…");
  private static final int MAX_IN_ROW = 3;

  private ClauseMarks() {}

  /** Whether a mark adds anything where it stands; a weak one may give way to a stronger. */
  static boolean allow(List<Token> tokens, String text, boolean opening) {
    int size = tokens.size();
    int row = 0;
    while (row < size && row < MAX_IN_ROW && tokens.get(size - 1 - row) instanceof Mark) {
      row++;
    }
    if (row == MAX_IN_ROW) {
      return false;
    }
    Token last = size == 0 ? null : tokens.get(size - 1);
    if (!haveWord(tokens)) {
      return opening && !(last instanceof Mark && last.text().equals(text));
    }
    if (!(last instanceof Mark)) {
      return true;
    }
    boolean isWeak = WEAK.contains(text);
    if (last.text().equals(text) || (isWeak && (WEAK.contains(last.text()) || last.text().equals("(")))) {
      return false;
    }
    boolean isStrong = STRONG.contains(text);
    if (isStrong && WEAK.contains(last.text())) {
      tokens.remove(size - 1);
    }
    return !(isStrong && STRONG.contains(last.text()));
  }

  /** The last strong mark among the last tokens, or "". */
  static String lastStrong(List<Token> tokens) {
    for (int i = tokens.size() - 1; i >= Math.max(0, tokens.size() - MAX_IN_ROW); i--) {
      if (tokens.get(i) instanceof Mark && STRONG.contains(tokens.get(i).text())) {
        return tokens.get(i).text();
      }
    }
    return "";
  }

  private static boolean haveWord(List<Token> tokens) {
    for (Token token : tokens) {
      if (token instanceof Word) {
        return true;
      }
    }
    return false;
  }

  /** An ellipsis becomes a full stop at the end and a comma elsewhere: the voices learnt neither it nor the dash. */
  static List<Token> settled(List<Token> given) {
    int last = given.size() - 1;
    while (last >= 0 && !(given.get(last) instanceof Word)) {
      last--;
    }
    List<Token> out = new ArrayList<>(given);
    for (int i = 0; i < out.size(); i++) {
      if (out.get(i).equals(ELLIPSIS)) {
        out.set(i, i > last ? STOP : COMMA);
      }
    }
    return Collections.unmodifiableList(out);
  }
}
