package io.github.voicelet.trust.consent;

import io.github.voicelet.ConsentException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Times in UTC to the second, {@code 2027-01-31T23:59:59Z}; Android has {@code java.time} from API 26 on only. */
public final class UtcTime {
  static final long DAY_S = 86_400;

  private static final Pattern FORM =
      Pattern.compile("([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z");
  private static final int FIRST_YEAR = 1000; // earlier ones Python doesn't write with four digits
  private static final int[] MONTH_DAYS = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

  private UtcTime() {}

  /** The time now, in seconds since 1970. */
  public static long nowS() {
    return System.currentTimeMillis() / 1000;
  }

  /** Seconds since 1970 as a text. */
  public static String format(long timeS) {
    long days = Math.floorDiv(timeS, DAY_S);
    int second = (int) Math.floorMod(timeS, DAY_S);
    // Civil dates by eras of 400 years that begin on the first of March.
    long shifted = days + 719_468;
    long era = Math.floorDiv(shifted, 146_097L);
    long dayOfEra = Math.floorMod(shifted, 146_097L);
    long yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
    long dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
    long month = (5 * dayOfYear + 2) / 153;
    long day = dayOfYear - (153 * month + 2) / 5 + 1;
    long civil = month < 10 ? month + 3 : month - 9;
    long year = yearOfEra + era * 400 + (civil <= 2 ? 1 : 0);
    return String.format(
        Locale.ROOT, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, civil, day, second / 3600, second / 60 % 60, second % 60);
  }

  /**
   * A text as seconds since 1970; nothing but the exact form is taken.
   *
   * @param what names it in messages.
   * @throws ConsentException it isn't of that form.
   */
  public static long parse(String what, String text) {
    Matcher match = FORM.matcher(text);
    if (match.matches()) {
      int year = Integer.parseInt(match.group(1));
      int month = Integer.parseInt(match.group(2));
      int day = Integer.parseInt(match.group(3));
      int hour = Integer.parseInt(match.group(4));
      int minute = Integer.parseInt(match.group(5));
      int second = Integer.parseInt(match.group(6));
      if (year >= FIRST_YEAR && isDay(year, month, day) && hour < 24 && minute < 60 && second < 60) {
        return days(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second;
      }
    }
    String shown = text.length() > 40 ? text.substring(0, 40) : text;
    throw new ConsentException(what + " of a consent is no time: '" + shown + "'");
  }

  /** Whether there is such a day. */
  static boolean isDay(int year, int month, int day) {
    if (year < 1 || month < 1 || month > 12 || day < 1) {
      return false;
    }
    boolean isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= MONTH_DAYS[month - 1] + (month == 2 && isLeap ? 1 : 0);
  }

  /** Days since 1970. */
  static long days(int year, int month, int day) {
    long shifted = month <= 2 ? year - 1 : year;
    long era = Math.floorDiv(shifted, 400L);
    long yearOfEra = Math.floorMod(shifted, 400L);
    long dayOfYear = (153L * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468;
  }
}
