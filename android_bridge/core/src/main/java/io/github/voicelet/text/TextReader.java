package io.github.voicelet.text;

import io.github.voicelet.text.pronunciation.LetterToSound;
import io.github.voicelet.text.pronunciation.Lexicon;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;

/** Text of one language → clauses of phones, ready for the acoustic model. Holds no state between calls: threads may share one. */
public final class TextReader {
  private final ReadLanguage language;
  private final Phonemizer phonemizer;

  /**
   * For a language.
   *
   * @param lexicon the bundle's; null for a language that it isn't of.
   * @param letters the bundle's letters to sounds, where the language has none of its own; null for none: words are spelled.
   * @param inventory the symbols that the voice knows.
   */
  public TextReader(ReadLanguage language, Lexicon lexicon, LetterToSound letters, PhoneInventory inventory) {
    this.language = language;
    phonemizer = new Phonemizer(language, lexicon, letters, inventory);
  }

  /**
   * The clauses of a text as phones, lazily. Text with nothing to say gives none; one of a few marks alone is spoken by their names.
   *
   * @param text any string.
   * @param reading what a screen reader asks for.
   * @throws io.github.voicelet.TextException the text can't be spoken by this voice; as late as the clause it stands in.
   */
  public Iterator<PhoneClause> clauses(String text, Reading reading) {
    Iterator<Item> items = new TextItems(language, phonemizer::knows, reading).plain(text);
    Iterator<Clause> clauses =
        new Segmenter(
            items, ClauseCuts.MAX_CLAUSE_CHARS, language.pack.config().conjunctions, language.pack.config().pauses);
    Tunes tunes = new Tunes(language.pack.config().melody);
    boolean raises = reading.capitals == Reading.Capitals.PITCH;
    return new Iterator<PhoneClause>() {
      @Override
      public boolean hasNext() {
        return clauses.hasNext();
      }

      @Override
      public PhoneClause next() {
        Clause clause = clauses.next();
        PhoneClause spoken = tunes.of(clause, phonemizer.phonemize(clause));
        return raises ? raised(spoken) : spoken;
      }
    };
  }

  /** With a higher pitch where there are capitals. */
  private static PhoneClause raised(PhoneClause clause) {
    List<Tone> tones = new ArrayList<>(clause.tones);
    for (SpokenWord word : clause.words) {
      if (word.capital) {
        tones.add(new Tone(Tone.Turn.CAPITAL, word.phoneStart, word.phoneEnd));
      }
    }
    return clause.with(Collections.unmodifiableList(tones), clause.exclaimed);
  }
}
