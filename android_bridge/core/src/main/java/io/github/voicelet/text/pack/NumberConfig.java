package io.github.voicelet.text.pack;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** How bare numbers are read: {@code numbers} of pack.json. */
public final class NumberConfig {
  /** CLDR's name for the rule set of years. */
  static final String DEFAULT_YEAR = "spellout-numbering-year";

  /** Rule set for a number by itself. */
  public final String cardinal;

  /** Rule set for years; {@link #cardinal} where there is no such set. */
  public final String year;

  /** Value of a table's column {@code gender} → rule set. */
  public final Map<String, String> genders;

  /** Said between a number and its decimals. */
  public final String decimalWord;

  /** Decimals of at most so many digits are read as a number, longer ones digit by digit. */
  public final int decimalsAsNumber;

  /** Longer whole numbers are read digit by digit. */
  public final int maxDigits;

  /** Longer ones without grouping, too: they are identifiers. */
  public final int maxPlainDigits;

  /** Digits said between two breaths, where digits are read one by one. */
  public final int group;

  /** Groups of a telephone number that are read as one number. */
  public final Set<String> wholeGroups;

  NumberConfig(Settings settings) {
    try (Settings numbers = settings) {
      cardinal = numbers.string("cardinal", "spellout-numbering");
      year = numbers.string("year", DEFAULT_YEAR);
      genders = numbers.texts("genders");
      decimalWord = numbers.string("decimal_word", "");
      decimalsAsNumber = numbers.integer("decimals_as_number", 0);
      maxDigits = numbers.integer("max_digits", 15);
      maxPlainDigits = numbers.integer("max_plain_digits", 9);
      group = numbers.integer("group", 4);
      wholeGroups = new HashSet<>(numbers.strings("whole_groups"));
      if (maxDigits <= 0 || maxDigits > 18 || maxPlainDigits < 0 || maxPlainDigits > 18) {
        throw numbers.error("max_digits and max_plain_digits are from 1 to 18");
      }
      if (group <= 0 || group > 20 || decimalsAsNumber < 0 || decimalsAsNumber > 18) {
        throw numbers.error("group is from 1 to 20, decimals_as_number from 0 to 18");
      }
    }
  }
}
