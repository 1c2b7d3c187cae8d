package io.github.voicelet.text.pack;

import io.github.voicelet.text.CodePoints;
import io.github.voicelet.text.pack.pattern.Match;
import io.github.voicelet.text.pack.pattern.PortablePattern;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** How written text is read as words, by the rules of one pack. Threads may share one. */
public final class Normalization {
  private static final int MAX_SAY_AS_CHARS = 1000;

  /** Rules by the character that they may begin with, where a digit stands; the others likewise. */
  public final RuleIndex atDigits;

  public final RuleIndex atLetters;
  public final RuleIndex atSymbols;
  public final RuleIndex atApostrophes;

  /** Tried before the others where an address may begin. */
  public final RuleIndex atAddresses;

  /** Those of the user among {@link #atLetters}; plain words are shown to them, too. */
  public final RuleIndex atPlainWords;

  /** Lower-case words that are more than themselves ("vs", "km"), so that the rules must see them. */
  public final Set<String> abbreviated;

  /** Letters that are words by themselves, and so aren't spelled. */
  public final String loneLetters;

  /** What a full stop inside a word is said as. */
  public final String dot;

  /** Capitalized words that seldom follow an abbreviation inside a sentence. */
  public final Set<String> sentenceStarters;

  public final Alphabet alphabet;

  /** What may stand before an apostrophe as a word of its own ("l'"). */
  public final Set<String> elisions;

  /** An ending that the words of a user's lexicon may take ("'s"). */
  public final String possessive;

  /** Code point → what clean-up makes of it, where the language says so. */
  public final Map<Integer, String> cleanup;

  private final PortablePattern contraction;
  private final PackRules rules;

  Normalization(PackContent content, PackRules rules, List<Rule> userLetterRules, PortablePattern contraction) {
    PackConfig config = content.config;
    this.rules = rules;
    atDigits = new RuleIndex(rules.byPlace.get("digit"));
    atLetters = new RuleIndex(rules.byPlace.get("letter"));
    atSymbols = new RuleIndex(rules.byPlace.get("symbol"));
    atApostrophes = new RuleIndex(rules.byPlace.get("apostrophe"));
    atAddresses = new RuleIndex(rules.byPlace.get("address"));
    atPlainWords = new RuleIndex(userLetterRules);
    abbreviated = config.abbreviated;
    loneLetters = config.loneLetters;
    dot = config.dot;
    sentenceStarters = config.sentenceStarters;
    alphabet = new Alphabet(config.letters);
    elisions = config.elisions;
    possessive = config.possessive;
    cleanup = content.cleanup;
    this.contraction = contraction;
  }

  /** The end of a word that begins with the apostrophe at a place ("'tis"); -1 for none. */
  public int contractionEnd(String text, int at) {
    Match match = contraction == null ? null : contraction.match(text, at);
    return match == null ? -1 : match.end();
  }

  /**
   * The notation for the text of an SSML say-as; null where it is to be read as usual.
   *
   * @param cleanText after clean-up without line breaks; so many characters as 1,000 are read.
   * @param interpret value of {@code interpret-as}.
   * @param form value of {@code format}, or "".
   */
  public String sayAs(String cleanText, String interpret, String form) {
    return cleanText.isEmpty() ? "" : rules.readAs(CodePoints.first(cleanText, MAX_SAY_AS_CHARS), interpret, form);
  }
}
