package io.github.voicelet.engine;

import java.util.Locale;
import java.util.MissingResourceException;

/** Three-letter codes, which Android's service speaks in, without the exception that Java throws where there is none. */
final class Locales {
  private Locales() {}

  static String iso3Language(Locale locale) {
    try {
      return locale.getISO3Language();
    } catch (MissingResourceException e) {
      return "";
    }
  }

  static String iso3Country(Locale locale) {
    try {
      return locale.getISO3Country();
    } catch (MissingResourceException e) {
      return "";
    }
  }
}
