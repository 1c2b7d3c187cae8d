package io.github.voicelet.text.pronunciation;

/** Letters to phones, for words that no lexicon knows. */
public interface LetterToSound {
  /** Phones of a word in lower case; "" for none. */
  String phones(String word);
}
