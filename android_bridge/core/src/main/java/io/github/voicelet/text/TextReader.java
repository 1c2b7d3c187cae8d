package io.github.voicelet.text;

import io.github.voicelet.ConfigException;
import io.github.voicelet.PhoneException;
import io.github.voicelet.text.pronunciation.LetterToSound;
import io.github.voicelet.text.pronunciation.Lexicon;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Text of one language → clauses of phones, ready for the acoustic model. Holds no state between calls: threads may share one. */
public final class TextReader {
  /** What a lexicon may hold beside the phones of its words. */
  private static final String NOTATION = "()/.abcdefghijklmnopqrstuvwxyz";

  private final ReadLanguage language;
  private final Phonemizer phonemizer;
  private final Lexicon lexicon;
  private final LetterToSound letters;
  private final PhoneInventory inventory;
  private final ReadLanguages languages;
  private final TextReader root;

  /** Those of other languages, by their tags; of the root alone. */
  private final Map<String, TextReader> others = new HashMap<>();

  /** A reader of one language, as the other constructor makes it. */
  public TextReader(ReadLanguage language, Lexicon lexicon, LetterToSound letters, PhoneInventory inventory) {
    this(language, lexicon, letters, inventory, null);
  }

  /**
   * For a language.
   *
   * @param lexicon the bundle's; null for a language that it isn't of.
   * @param letters the bundle's letters to sounds, where the language has none of its own; null for none: words are spelled.
   * @param inventory the symbols that the voice knows.
   * @param languages those that other texts, and stretches inside a text, may be in; null for this one alone.
   * @throws PhoneException the lexicon uses symbols that the inventory lacks.
   */
  public TextReader(
      ReadLanguage language, Lexicon lexicon, LetterToSound letters, PhoneInventory inventory, ReadLanguages languages) {
    this(language, lexicon, letters, inventory, languages, null);
  }

  private TextReader(
      ReadLanguage language, Lexicon lexicon, LetterToSound letters, PhoneInventory inventory, ReadLanguages languages,
      TextReader root) {
    if (lexicon != null) {
      String missing = inventory.missing(lexicon.symbols());
      for (int i = 0; i < missing.length(); i++) {
        if (NOTATION.indexOf(missing.charAt(i)) < 0) {
          throw new PhoneException("the lexicon uses '" + missing + "', which this voice can't say; use another bundle");
        }
      }
    }
    this.language = language;
    this.lexicon = lexicon;
    this.letters = letters;
    this.inventory = inventory;
    this.languages = languages;
    this.root = root == null ? this : root;
    phonemizer = new Phonemizer(language, lexicon, letters, inventory);
  }

  /**
   * One for another language, or another variety of this one ("en-GB" for "en"); made once.
   *
   * @param tag BCP 47.
   * @throws ConfigException the voice doesn't speak it, or no pack reads it.
   */
  public TextReader inLanguage(String tag) {
    if (languages == null) {
      throw new ConfigException("only '" + language.tag() + "' is read here, not '" + tag + "'; leave out the language");
    }
    ReadLanguage other = languages.find(tag);
    if (other.tag().equals(root.language.tag())) {
      return root;
    }
    synchronized (root.others) {
      TextReader reader = root.others.get(other.tag());
      if (reader == null) {
        // A variety shares the bundle's lexicon and letters to sounds.
        boolean isVariety = base(other.tag()).equals(base(root.language.tag()));
        reader =
            new TextReader(
                other, isVariety ? root.lexicon : null, isVariety ? root.letters : null, inventory, languages, root);
        root.others.put(other.tag(), reader);
      }
      return reader;
    }
  }

  private static String base(String tag) {
    return tag.split("-", 2)[0];
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
