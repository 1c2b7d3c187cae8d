package io.github.voicelet.text;

import io.github.voicelet.text.pack.Normalization;
import java.util.Iterator;
import java.util.List;

/** The text of an SSML say-as, read by a language's rules for it. */
final class SayAs {
  private final Normalization rules;
  private final Notation notation;

  /**
   * Of a language.
   *
   * @param emphasis given to every word.
   */
  SayAs(Normalization rules, Emphasis emphasis) {
    this.rules = rules;
    this.notation = new Notation(rules, emphasis);
  }

  /**
   * The tokens of the text, which all have one span; null where it is to be read as usual.
   *
   * @param interpret value of {@code interpret-as}.
   * @param form value of {@code format}, or "".
   */
  List<Token> tokens(String text, String interpret, String form, int spanStart, int spanEnd) {
    Cleaner cleaner = new Cleaner(false, rules.cleanup);
    Cleaned clean = new Cleaned();
    for (Iterator<SourcePiece> pieces = SourcePiece.plain(text); pieces.hasNext(); ) {
      cleaner.clean(pieces.next(), clean);
    }
    String said = rules.sayAs(clean.text.toString(), interpret, form);
    return said == null ? null : notation.tokens(said, spanStart, spanEnd, "", "");
  }
}
