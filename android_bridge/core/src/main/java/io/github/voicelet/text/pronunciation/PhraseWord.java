package io.github.voicelet.text.pronunciation;

import java.util.Collections;
import java.util.Set;

/** A word of a phrase, as the rules of the phrase see it. */
public final class PhraseWord {
  public final String key;
  public final String phones;
  public final String latent;
  public final Set<String> classes;

  /**
   * @param key its letters in lower case, as the lexicons have it.
   * @param phones as they are so far.
   * @param latent a consonant that is said only where a rule says so; "" for none.
   * @param classes of {@link Phrases#classesOf} and of the lexicon.
   */
  public PhraseWord(String key, String phones, String latent, Set<String> classes) {
    this.key = key;
    this.phones = phones;
    this.latent = latent;
    this.classes = classes;
  }

  /** Without a latent consonant and classes. */
  public PhraseWord(String key, String phones) {
    this(key, phones, "", Collections.<String>emptySet());
  }

  /** The same word with other phones. */
  public PhraseWord with(String otherPhones) {
    return otherPhones.equals(phones) ? this : new PhraseWord(key, otherPhones, latent, classes);
  }
}
