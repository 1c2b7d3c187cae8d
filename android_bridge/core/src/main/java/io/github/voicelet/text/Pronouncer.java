package io.github.voicelet.text;

import io.github.voicelet.BundleException;
import io.github.voicelet.ConfigException;
import io.github.voicelet.PackException;
import io.github.voicelet.PhoneException;
import io.github.voicelet.text.pronunciation.LetterToSound;
import io.github.voicelet.text.pronunciation.Lexicon;
import io.github.voicelet.text.pronunciation.LexiconEntry;
import io.github.voicelet.text.pronunciation.Linked;
import io.github.voicelet.text.pronunciation.PhraseWord;
import io.github.voicelet.text.pronunciation.Phrases;
import io.github.voicelet.text.pronunciation.Pronunciation;
import io.github.voicelet.text.pronunciation.Stresses;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Characters;
import io.github.voicelet.text.unicode.Latin;
import io.github.voicelet.text.unicode.Normalizer;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Single words to phones, from the first source that knows them: the caller, the letters' names where a word is spelled, the
 * lexicons in the sense that the context asks for, a regular ending on a known stem, letters to sounds, and the letters' names again
 * for what can't be pronounced. Only a cache is kept; threads may share one.
 */
final class Pronouncer {
  private static final int CACHED_WORDS = 4096;
  private static final float LOAD = 0.75f;
  private static final List<String> NO_SENSES = Collections.emptyList();

  private static final Logger LOG = Logger.getLogger(Pronouncer.class.getName());

  private final Pronunciation rules;
  private final Lexicon lexicon;
  private final LetterToSound letters;
  private final PhoneInventory inventory;
  private final String alphabet;
  private final Set<Integer> vowels = new HashSet<>();
  private final AtomicBoolean wasWarned = new AtomicBoolean();
  private final Map<List<String>, String> cache =
      new LinkedHashMap<List<String>, String>(CACHED_WORDS, LOAD, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<List<String>, String> eldest) {
          return size() > CACHED_WORDS;
        }
      };

  /**
   * Of a language.
   *
   * @param language whose words they are.
   * @param lexicon the bundle's; null for a language that it isn't of.
   * @param letters the bundle's letters to sounds, where the language has none of its own; null for none: words are spelled.
   * @param inventory the symbols that the voice knows.
   */
  Pronouncer(ReadLanguage language, Lexicon lexicon, LetterToSound letters, PhoneInventory inventory) {
    rules = language.pronunciation;
    this.lexicon = lexicon;
    this.letters = letters;
    this.inventory = inventory;
    alphabet = language.pack.config().letters;
    for (int code : CodePoints.of(language.pack.config().vowelLetters)) {
      vowels.add(code);
    }
  }

  /** Whether the lexicons have a word (any case), or the stem of its regular ending. */
  boolean knows(String word) {
    return known(key(word), NO_SENSES) != null;
  }

  /** The form of a word that the lexicons are asked for; with its accents where the language's own lexicon has it so. */
  String key(String text) {
    if (!isAscii(text)) {
      String written = Normalizer.nfc(Case.lower(text)).replace('’', '\'');
      if (rules.word(written) != null) {
        return written;
      }
    }
    StringBuilder key = new StringBuilder();
    int start = 0;
    for (int i = 0; i < text.length(); ) {
      int end = i;
      while (end < text.length() && parts(text.codePointAt(end), true)) {
        end += Character.charCount(text.codePointAt(end));
      }
      if (end == i) {
        i += Character.charCount(text.codePointAt(i));
        continue;
      }
      key.append(Latin.toLatin(text.substring(start, i), alphabet)).append('-');
      start = end;
      i = end;
    }
    return key.append(Latin.toLatin(text.substring(start), alphabet)).toString();
  }

  private static boolean isAscii(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) > 0x7F) {
        return false;
      }
    }
    return true;
  }

  private static boolean parts(int code, boolean anyHyphen) {
    return code == '-' || (anyHyphen && (code == '‐' || code == '‑')) || Characters.isSpace(code);
  }

  /**
   * A word alone, before its phrase changes it.
   *
   * @param senses in which it may be meant here.
   * @throws PhoneException the caller gave phones that the voice doesn't know.
   */
  PhraseWord spoken(Word word, String key, List<String> senses) {
    if (word.phones != null) {
      String missing = inventory.missing(word.phones);
      if (!missing.isEmpty()) {
        throw new PhoneException(
            "the phones given for '" + word.text + "' hold '" + missing + "'; this voice knows " + inventory.shown());
      }
      return new PhraseWord(key, Whitespace.strip(word.phones));
    }
    if (word.spell) {
      return new PhraseWord(key, emphasized(rules.spelling().spelled(word.text), word.emphasis));
    }
    PhraseWord found = found(key, senses);
    return found.with(emphasized(found.phones, word.emphasis));
  }

  private PhraseWord found(String key, List<String> senses) {
    LexiconEntry entry = LexiconEntry.parse(cached(key, senses));
    Set<String> classes = new HashSet<>(entry.classes());
    classes.addAll(rules.phrases().classesOf(key));
    return new PhraseWord(key, entry.phones(), entry.latent(), classes);
  }

  private static String emphasized(String phones, Emphasis emphasis) {
    if (emphasis == Emphasis.MODERATE || emphasis == Emphasis.STRONG) {
      return Stresses.strengthened(phones);
    }
    return emphasis == Emphasis.REDUCED ? Stresses.weakened(phones) : phones;
  }

  private String cached(String key, List<String> senses) {
    List<String> asked = new ArrayList<>(senses.size() + 1);
    asked.add(key);
    asked.addAll(senses);
    synchronized (cache) {
      String said = cache.get(asked);
      if (said != null) {
        return said;
      }
    }
    String said = pronounced(key, senses);
    synchronized (cache) {
      cache.put(asked, said);
    }
    return said;
  }

  /** What is known of a word, as a lexicon would say it. */
  private String pronounced(String key, List<String> senses) {
    String known = known(key, senses);
    if (known != null) {
      return known;
    }
    List<String> parts = hyphenated(key);
    if (parts.size() != 1 || !parts.get(0).equals(key)) {
      return compound(parts);
    }
    String phones = hasVowelLetter(key) ? guessed(key) : "";
    for (int i = 0; i < phones.length(); i++) {
      if (Stresses.VOWELS.indexOf(phones.charAt(i)) >= 0) {
        return phones;
      }
    }
    return rules.spelling().spelled(key);
  }

  /** The parts of a word between hyphens that hold more than apostrophes. */
  private static List<String> hyphenated(String key) {
    List<String> parts = new ArrayList<>();
    int start = 0;
    for (int i = 0; i <= key.length(); i++) {
      if (i == key.length() || parts(key.charAt(i), false)) {
        String part = key.substring(start, i);
        if (!part.replace("'", "").isEmpty()) {
          parts.add(part);
        }
        start = i + 1;
      }
    }
    return parts;
  }

  private boolean hasVowelLetter(String key) {
    for (int i = 0; i < key.length(); i += Character.charCount(key.codePointAt(i))) {
      if (vowels.contains(key.codePointAt(i))) {
        return true;
      }
    }
    return false;
  }

  /** One group, its parts linked as words are. */
  private String compound(List<String> parts) {
    Phrases phrases = rules.phrases();
    String said = "";
    PhraseWord before = null;
    for (String part : parts) {
      PhraseWord word = found(part, NO_SENSES);
      if (!said.isEmpty()) {
        Linked linked = phrases.linked(before.with(said), word, "word");
        said = linked.before;
        word = word.with(linked.after);
      }
      said += word.phones;
      before = word;
    }
    return said;
  }

  private String known(String key, List<String> senses) {
    for (String sense : senses) {
      String said = lookUp(key + "|" + sense);
      if (said != null && !said.isEmpty()) {
        return said;
      }
    }
    if (!senses.isEmpty()) {
      String said = rules.inflection().inflected(key, stem -> stem.indexOf('|') >= 0 ? lookUp(stem) : null, senses);
      if (said != null && !said.isEmpty()) {
        return said;
      }
    }
    String said = lookUp(key);
    return said != null && !said.isEmpty() ? said : rules.inflection().inflected(key, this::lookUp, NO_SENSES);
  }

  /** What the language's own lexicon or else the bundle's says of a key; words with sounds the voice doesn't know are passed over. */
  private String lookUp(String key) {
    String said = rules.word(key);
    if (said != null && inventory.missing(LexiconEntry.parse(said).phones()).isEmpty()) {
      return said;
    }
    return lexicon == null ? null : lexicon.get(key);
  }

  /** By letters to sounds; where those of the language fail the word is spelled, and the sentence is spoken. */
  private String guessed(String key) {
    try {
      LetterToSound own = rules.letters();
      if (own != null) {
        return own.phones(key);
      }
    } catch (BundleException | ConfigException | PackException e) {
      if (wasWarned.compareAndSet(false, true)) {
        LOG.log(Level.WARNING, "words that no lexicon knows are spelled: {0}", e.getMessage());
      }
      return "";
    }
    return letters == null ? "" : letters.phones(key);
  }
}
