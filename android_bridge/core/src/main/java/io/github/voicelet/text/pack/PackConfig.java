package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import io.github.voicelet.text.CodePoints;
import io.github.voicelet.text.Melody;
import io.github.voicelet.text.Pauses;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Characters;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** pack.json: what a language says of itself in single words and lists. The manual lists what each means. */
public final class PackConfig {
  /** Of packs that this voicelet reads. */
  public static final int FORMAT = 1;

  public final String language;
  public final String name;

  /** Tag of the pack that this one completes; null for none. */
  public final String inherits;

  public final String letters;
  public final String vowelLetters;
  public final String loneLetters;
  public final Map<String, String> letterNames;
  public final String dot;

  /** The decimal sign: one code point. */
  public final String decimal;

  /** Every sign that may group digits. */
  public final String grouping;

  public final Map<String, String> plurals;
  public final Map<String, String> ordinalPlurals;
  public final NumberConfig numbers;
  public final Set<String> abbreviated;

  /** Pattern of a word that begins with an apostrophe; null for none. */
  public final String contraction;

  public final Set<String> elisions;
  public final String possessive;
  public final Set<String> sentenceStarters;
  public final Melody melody;
  public final Set<String> conjunctions;

  /** Pattern of the whole of a line that heads a chapter, in lower case; null for none. */
  public final String chapterHeading;

  public final Pauses pauses;
  public final Set<String> commonWords;
  public final List<String> presets;
  public final String license;
  public final List<String> sources;

  /**
   * Of the content of the file, what is inherited merged into it.
   *
   * @param where the file, for messages.
   * @throws PackException a key is unknown, missing or of another kind, or a value can't be.
   */
  PackConfig(Map<String, Object> raw, String where) {
    try (Settings settings = new Settings(raw, where)) {
      int format = settings.integer("format");
      if (format != FORMAT) {
        throw settings.error("format " + format + ": this voicelet reads format " + FORMAT + "; update voicelet");
      }
      language = settings.string("language");
      name = settings.string("name", "");
      inherits = settings.stringOrNull("inherits");
      letters = settings.string("letters", "");
      vowelLetters = settings.string("vowel_letters", "aeiouy");
      loneLetters = settings.string("lone_letters", "");
      letterNames = settings.texts("letter_names");
      dot = settings.string("dot", "");
      decimal = settings.string("decimal", ".");
      grouping = settings.string("grouping", ",");
      plurals = settings.texts("plurals");
      ordinalPlurals = settings.texts("ordinal_plurals");
      numbers = new NumberConfig(settings.inner("numbers"));
      abbreviated = set(settings, "abbreviated");
      contraction = settings.stringOrNull("contraction");
      elisions = set(settings, "elisions");
      possessive = settings.string("possessive", "");
      sentenceStarters = set(settings, "sentence_starters");
      melody = melody(settings.inner("melody"));
      conjunctions = set(settings, "conjunctions");
      chapterHeading = settings.stringOrNull("chapter_heading");
      pauses = pauses(settings.inner("pauses"));
      commonWords = set(settings, "common_words");
      presets = settings.strings("presets");
      license = settings.string("license", "");
      sources = settings.strings("sources");
      if (CodePoints.count(decimal) != 1) {
        throw settings.error("decimal is one sign");
      }
      for (int code : CodePoints.of(letters + loneLetters)) {
        String letter = CodePoints.string(code);
        if (!Characters.isLetter(code) || !letter.equals(Case.lower(letter))) {
          throw settings.error("letters and lone_letters are lower-case letters");
        }
      }
    }
  }

  private static Set<String> set(Settings settings, String key) {
    return Collections.unmodifiableSet(new HashSet<>(settings.strings(key)));
  }

  private static Melody melody(Settings settings) {
    try (Settings melody = settings) {
      return new Melody(
          set(melody, "question_words"),
          set(melody, "asking"),
          set(melody, "openers"),
          set(melody, "coordinators"),
          melody.string("choice", ""),
          set(melody, "no_choice"));
    }
  }

  private static Pauses pauses(Settings settings) {
    try (Settings pauses = settings) {
      return new Pauses(
          pauses.integer("clause_ms", 40),
          pauses.integer("aside_ms", 120),
          pauses.integer("dash_ms", 200),
          pauses.integer("ellipsis_ms", 350),
          pauses.integer("sentence_ms", 550),
          pauses.integer("trailed_off_ms", 750),
          pauses.integer("paragraph_ms", 900));
    } catch (IllegalArgumentException e) {
      throw new PackException(settings.where() + ": " + e.getMessage(), e);
    }
  }
}
