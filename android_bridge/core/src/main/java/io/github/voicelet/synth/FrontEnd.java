package io.github.voicelet.synth;

import io.github.voicelet.text.PhoneClause;
import java.util.Iterator;

/** Text in, clauses of phones out, lazily. */
public interface FrontEnd {
  /**
   * The clauses of a text.
   *
   * @param text any string, or SSML.
   * @param options of which language, SSML and reading count.
   * @throws io.github.voicelet.TextException the text can't be spoken by this voice; as late as the clause it stands in.
   */
  Iterator<PhoneClause> clauses(String text, SpeechOptions options);

  /** Let go of what it holds; {@link Voice#close} does it. */
  default void close() {}
}
