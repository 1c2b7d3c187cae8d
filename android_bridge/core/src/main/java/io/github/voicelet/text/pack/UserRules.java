package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;

/** A file of a user's own rules, which are tried before a pack's. */
public final class UserRules {
  /** BCP 47 tag of the language whose texts they read, its varieties included. */
  public final String language;

  /** The file, for messages. */
  public final String where;

  final RulesConfig rules;

  private UserRules(String language, String where, RulesConfig rules) {
    this.language = language;
    this.where = where;
    this.rules = rules;
  }

  /**
   * Read a file; {@link Pack#withUserRules} looks into its rules.
   *
   * @param json its bytes.
   * @param where what messages call it.
   * @throws PackException it isn't such a file.
   */
  public static UserRules read(byte[] json, String where) {
    try (Settings settings = new Settings(PackReader.object(PackReader.decoded(json, where), where), where)) {
      return new UserRules(settings.string("language"), where, RulesConfig.of(settings));
    }
  }
}
