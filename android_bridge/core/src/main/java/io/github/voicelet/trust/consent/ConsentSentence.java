package io.github.voicelet.trust.consent;

import io.github.voicelet.ConsentException;
import io.github.voicelet.text.unicode.Characters;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The form of the sentence that a speaker reads aloud, and the day that it names, which has to be the record's own. */
final class ConsentSentence {
  private static final List<String> MONTHS =
      Arrays.asList(
          "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December");
  private static final Pattern FORM =
      Pattern.compile(
          "Today is ([A-Z][a-z]+) ([0-9]{1,2})[a-z]{2}, ([0-9]{4}), and I let Voicelet learn my voice: [a-z, ]+\\.");

  /** How far local time may be ahead of UTC, and behind it. */
  private static final long EAST_S = 14 * 3600;

  private static final long WEST_S = 12 * 3600;

  /** How long after it was drawn a sentence may be read. */
  private static final long GOOD_FOR_S = 24 * 3600;

  private static final long LAST_S = 253_402_300_799L; // of the year 9999, where Python's time ends

  private ConsentSentence() {}

  /**
   * Check that a sentence fits the moment its record was made, wherever on earth that was.
   *
   * @param createdS seconds since 1970.
   * @throws ConsentException it is none of ours, or names another day.
   */
  static void checkReadOn(String sentence, long createdS) {
    Matcher match = FORM.matcher(singleSpaced(sentence));
    if (!match.matches() || !MONTHS.contains(match.group(1))) {
      throw new ConsentException(
          "the sentence of a spoken consent isn't one that voicelet asks people to read; ask for consent again");
    }
    int year = Integer.parseInt(match.group(3));
    int month = MONTHS.indexOf(match.group(1)) + 1;
    int day = Integer.parseInt(match.group(2));
    if (!UtcTime.isDay(year, month, day)) {
      throw new ConsentException("the sentence of a spoken consent names no real day; ask for consent again");
    }
    long begins = UtcTime.days(year, month, day) * UtcTime.DAY_S;
    long ends = begins + UtcTime.DAY_S + WEST_S + GOOD_FOR_S;
    if (createdS < begins - EAST_S || createdS > ends || ends > LAST_S) {
      throw new ConsentException(
          "the sentence of a spoken consent names "
              + UtcTime.format(begins).substring(0, 10)
              + ", and its record was made on "
              + UtcTime.format(createdS).substring(0, 10)
              + "; ask for consent again");
    }
  }

  private static String singleSpaced(String text) {
    StringBuilder out = new StringBuilder(text.length());
    boolean isApart = false;
    for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
      int code = text.codePointAt(i);
      if (Characters.isSpace(code)) {
        isApart = out.length() > 0;
      } else {
        if (isApart) {
          out.append(' ');
        }
        isApart = false;
        out.appendCodePoint(code);
      }
    }
    return out.toString();
  }
}
