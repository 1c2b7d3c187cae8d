package io.github.voicelet.text;

import io.github.voicelet.text.pack.Normalization;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Characters;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;

/** What rules say ("one , ^FBI twenty-two") as tokens. */
final class Notation {
  private final String loneLetters;
  private final Set<String> elisions;
  private final Emphasis emphasis;

  /**
   * Of a language.
   *
   * @param emphasis given to every word.
   */
  Notation(Normalization rules, Emphasis emphasis) {
    this(rules.loneLetters, rules.elisions, emphasis);
  }

  /**
   * Of names.
   *
   * @param loneLetters letters that are words by themselves; all others are spelled where they stand alone.
   */
  Notation(String loneLetters) {
    this(loneLetters, Collections.<String>emptySet(), Emphasis.NONE);
  }

  private Notation(String loneLetters, Set<String> elisions, Emphasis emphasis) {
    this.loneLetters = loneLetters;
    this.elisions = elisions;
    this.emphasis = emphasis;
  }

  /**
   * The tokens of a text in the notation, which all have one span.
   *
   * @param rule id of the rule that said it; "" for none.
   * @param file of that rule.
   */
  List<Token> tokens(String notation, int spanStart, int spanEnd, String rule, String file) {
    List<Token> tokens = new ArrayList<>();
    for (String part : Whitespace.words(notation)) {
      if (Mark.MARKS.contains(part)) {
        tokens.add(new Mark(part));
      } else if (part.charAt(0) == '^') {
        String letters = letters(part);
        if (!letters.isEmpty()) {
          tokens.add(word(letters, spanStart, spanEnd, rule, file).spell(true).build());
        }
      } else {
        for (int from = 0; from <= part.length(); ) {
          int hyphen = part.indexOf('-', from);
          int end = hyphen < 0 ? part.length() : hyphen;
          add(inner(letters(part.substring(from, end))), spanStart, spanEnd, rule, file, tokens);
          from = end + 1;
        }
      }
    }
    return tokens;
  }

  private void add(String word, int spanStart, int spanEnd, String rule, String file, List<Token> tokens) {
    String letters = word;
    int apostrophe = letters.indexOf('\'');
    if (apostrophe >= 0 && apostrophe < letters.length() - 1) {
      String head = letters.substring(0, apostrophe + 1);
      if (elisions.contains(Case.lower(head))) {
        tokens.add(word(head, spanStart, spanEnd, rule, file).build());
        letters = letters.substring(apostrophe + 1);
      }
    }
    if (!letters.isEmpty()) {
      boolean alone = letters.length() == Character.charCount(letters.codePointAt(0));
      boolean spell = alone && !loneLetters.contains(Case.lower(letters));
      tokens.add(word(letters, spanStart, spanEnd, rule, file).spell(spell).build());
    }
  }

  private Word.Builder word(String text, int spanStart, int spanEnd, String rule, String file) {
    return new Word.Builder(text, spanStart, spanEnd).emphasis(emphasis).rule(rule, file);
  }

  /** Letters and apostrophes alone. */
  static String letters(String text) {
    StringBuilder out = null;
    for (int i = 0; i < text.length(); ) {
      int code = text.codePointAt(i);
      boolean kept = (code >= 'a' && code <= 'z') || code == '\'' || Characters.isLetter(code);
      if (!kept && out == null) {
        out = new StringBuilder(text.length()).append(text, 0, i);
      } else if (kept && out != null) {
        out.appendCodePoint(code);
      }
      i += Character.charCount(code);
    }
    return out == null ? text : out.toString();
  }

  /** Without apostrophes at both ends. */
  private static String inner(String text) {
    int start = 0;
    int end = text.length();
    while (start < end && text.charAt(start) == '\'') {
      start++;
    }
    while (end > start && text.charAt(end - 1) == '\'') {
      end--;
    }
    return text.substring(start, end);
  }
}
