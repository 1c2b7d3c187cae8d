package io.github.voicelet.text;

import io.github.voicelet.ConfigException;
import io.github.voicelet.PhoneException;
import io.github.voicelet.text.pronunciation.LetterToSound;
import io.github.voicelet.text.pronunciation.Lexicon;
import io.github.voicelet.text.unicode.Case;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Text of one language → clauses of phones, ready for the acoustic model. Holds no state between calls: threads may share one. */
public final class TextReader {
  /** What a lexicon may hold beside the phones of its words. */
  private static final String NOTATION = "()/.abcdefghijklmnopqrstuvwxyz";

  private static final Logger LOG = Logger.getLogger(TextReader.class.getName());

  private final ReadLanguage language;
  private final Phonemizer phonemizer;
  private final Lexicon lexicon;
  private final LetterToSound letters;
  private final PhoneInventory inventory;
  private final ReadLanguages languages;
  private final TextReader root;

  /** Languages that a text named and that can't be read. */
  private final Set<String> unread = new HashSet<>();

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

  /** What it reads. */
  ReadLanguage language() {
    return language;
  }

  /** Whether the lexicons have a word (any case), or the stem of its regular ending. */
  boolean knows(String word) {
    return phonemizer.knows(word);
  }

  /**
   * The reader of a stretch inside a text; null where it is that of the text, or is missing.
   *
   * @param strict raise where it is missing; else there is one line in the log.
   */
  TextReader other(String tag, boolean strict) {
    String own = Case.lower(language.tag());
    String wanted = Case.lower(tag);
    if (languages == null || own.equals(wanted) || own.startsWith(wanted + "-")) {
      return null;
    }
    try {
      TextReader other = inLanguage(tag);
      return other == this ? null : other;
    } catch (ConfigException e) {
      if (strict) {
        throw e;
      }
      synchronized (unread) {
        if (unread.add(wanted)) {
          LOG.log(Level.WARNING, "{0}; it is read as ''{1}'' instead", new Object[] {e.getMessage(), language.tag()});
        }
      }
      return null;
    }
  }

  /** The reader of a word's language; "" for that of the text. */
  private TextReader of(String tag) {
    if (tag.isEmpty()) {
      return this;
    }
    synchronized (root.others) {
      TextReader other = root.others.get(tag);
      return other == null ? root : other;
    }
  }

  /** Whether a text opens with a speak element, and so is SSML. */
  public static boolean looksLikeSsml(String text) {
    return SsmlParser.looksLikeSsml(text);
  }

  /**
   * The clauses of a text as phones, lazily. Text with nothing to say gives none; one of a few marks alone is spoken by their names. A
   * clause whose phones are empty is only a pause or a place for SSML marks.
   *
   * @param text any string.
   * @param ssml it is an SSML document.
   * @param reading what a screen reader asks for.
   * @param detect find out which of the voice's languages each sentence is in.
   * @param strict raise where SSML names a language that the voice doesn't speak; else such a stretch is read in the language of the
   *     text, with one warning in the log.
   * @throws io.github.voicelet.SsmlException the SSML is wrong (at once).
   * @throws io.github.voicelet.TextException the text can't be spoken by this voice; as late as the clause it stands in.
   * @throws ConfigException with {@code strict}, a language is missing.
   */
  public Iterator<PhoneClause> clauses(String text, boolean ssml, Reading reading, boolean detect, boolean strict) {
    Iterator<Item> items = new TextItems(this, reading, strict).of(text, ssml, detect ? detector() : null);
    Iterator<Clause> clauses =
        new Segmenter(
            items, ClauseCuts.MAX_CLAUSE_CHARS, language.pack.config().conjunctions, language.pack.config().pauses);
    Map<String, Tunes> tunes = new HashMap<>();
    boolean raises = reading.capitals == Reading.Capitals.PITCH;
    return new Iterator<PhoneClause>() {
      @Override
      public boolean hasNext() {
        return clauses.hasNext();
      }

      @Override
      public PhoneClause next() {
        Clause clause = clauses.next();
        String tag = Foreign.language(clause);
        if (!tunes.containsKey(tag)) {
          tunes.put(tag, new Tunes(of(tag).language.pack.config().melody));
        }
        PhoneClause spoken = tunes.get(tag).of(clause, phonemized(clause));
        return raises ? raised(spoken) : spoken;
      }
    };
  }

  private LanguageDetector detector() {
    List<ReadLanguage> all = new ArrayList<>();
    all.add(language);
    for (ReadLanguage other : languages == null ? Collections.<ReadLanguage>emptyList() : languages.readable()) {
      if (!base(other.tag()).equals(base(language.tag()))) {
        all.add(other);
      }
    }
    return new LanguageDetector(all);
  }

  private PhoneClause phonemized(Clause clause) {
    if (!clause.tokens.isEmpty()) {
      return Foreign.phonemize(clause, tag -> of(tag).phonemizer);
    }
    return new PhoneClause(
        "", Collections.<SpokenWord>emptyList(), clause.pauseAfterMs, clause.prosody, clause.marks, clause.sentenceEnd,
        Collections.<Tone>emptyList(), false, Collections.<Accent>emptyList(), Collections.<InnerMark>emptyList(), false,
        clause.pauseIsFixed);
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
