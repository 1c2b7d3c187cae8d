package io.github.voicelet.engine;

import java.util.Locale;

/** One voice in one language, as the system lists it. */
public final class EngineVoice {
  private final String name;
  private final Locale locale;
  private final boolean personal;

  /**
   * @param name unique and lasting: apps store it.
   * @param locale the language that it speaks, with its country.
   * @param personal whether it is an enrolled person's, which needs the device to have been unlocked.
   */
  public EngineVoice(String name, Locale locale, boolean personal) {
    this.name = name;
    this.locale = locale;
    this.personal = personal;
  }

  public String name() {
    return name;
  }

  public Locale locale() {
    return locale;
  }

  public boolean personal() {
    return personal;
  }

  boolean speaks(String language) {
    return !language.isEmpty()
        && (language.equalsIgnoreCase(locale.getLanguage()) || language.equalsIgnoreCase(Locales.iso3Language(locale)));
  }

  boolean isOf(String country) {
    return !country.isEmpty()
        && (country.equalsIgnoreCase(locale.getCountry()) || country.equalsIgnoreCase(Locales.iso3Country(locale)));
  }
}
