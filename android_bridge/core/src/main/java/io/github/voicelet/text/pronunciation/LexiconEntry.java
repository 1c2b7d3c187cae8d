package io.github.voicelet.text.pronunciation;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a lexicon says of a word: its phones, a consonant that is heard only before some words, and the classes that
 * the rules of the phrase ask for. {@code pəti(t)/adj} has all three.
 */
public final class LexiconEntry {
  private static final Pattern CLASSES = Pattern.compile("[a-z]{1,12}(?:\\.[a-z]{1,12}){0,5}");
  private static final Pattern LATENT = Pattern.compile("([^()]+)\\(([^()]+)\\)");

  private final String phones;
  private final String latent;
  private final Set<String> classes;

  private LexiconEntry(String phones, String latent, Set<String> classes) {
    this.phones = phones;
    this.latent = latent;
    this.classes = classes;
  }

  /** Take a lexicon's entry apart. What isn't one ({@code a/B}) is taken as phones, as it stands. */
  public static LexiconEntry parse(String text) {
    if (text.indexOf('(') < 0 && text.indexOf('/') < 0) {
      return new LexiconEntry(text, "", Collections.emptySet());
    }
    int slash = text.indexOf('/');
    String said = slash < 0 ? text : text.substring(0, slash);
    String names = slash < 0 ? "" : text.substring(slash + 1);
    Set<String> classes =
        CLASSES.matcher(names).matches()
            ? new HashSet<>(Arrays.asList(names.split("\\.")))
            : Collections.<String>emptySet();
    Matcher latent = LATENT.matcher(said);
    return latent.matches()
        ? new LexiconEntry(latent.group(1), latent.group(2), classes)
        : new LexiconEntry(said, "", classes);
  }

  /** Said in any case. */
  public String phones() {
    return phones;
  }

  /** Said after them where a rule of the phrase says so; "" for nothing. */
  public String latent() {
    return latent;
  }

  /** Names that the rules of the phrase know. */
  public Set<String> classes() {
    return Collections.unmodifiableSet(classes);
  }
}
