package io.github.voicelet.text;

/** Reads phones that a caller wrote into a text. */
interface InlinePhones {
  /**
   * Phones in the symbols of the inventory.
   *
   * @param written what stood between {@code [[} and {@code ]]}.
   * @throws io.github.voicelet.TextException something in it isn't a phone.
   */
  String phones(String written);

  /** Phones with the possessive or plural ending of the language. */
  String withPossessive(String phones);
}
