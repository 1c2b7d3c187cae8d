package io.github.voicelet.text;

import io.github.voicelet.PhoneException;
import io.github.voicelet.text.unicode.Whitespace;

/** The symbols that a voice speaks from, one char each; the first is the pad that opens and closes a sequence. */
public final class PhoneInventory {
  /** Those of the first voices, which phones that a caller writes are checked against. */
  public static final PhoneInventory ENGLISH =
      new PhoneInventory("_ .,?!;:\"()…—ˈˌbdfhjklmnpstvwzðŋɡɹʃʒʤʧθTʔAIOWYaeiuæɑɐɔəɚɛɜɪʊʌᵊᵻ");

  static final String PUNCTUATION = " .,?!;:\"()…—";

  /** Phones that are given at once are no more. */
  static final int MAX_PHONES = 400;

  private static final int SHOWN = 40;

  private final String symbols;

  /** Of the symbols in the order of their index. */
  public PhoneInventory(String symbols) {
    this.symbols = symbols;
  }

  /** What to write, for messages. */
  String shown() {
    return symbols.substring(1);
  }

  /** The symbols of {@code phones} that this lacks, each once, in order. */
  public String missing(String phones) {
    String missing = "";
    for (int i = 0; i < phones.length(); ) {
      int code = phones.codePointAt(i);
      i += Character.charCount(code);
      if (symbols.indexOf(code) < 0 && missing.indexOf(code) < 0) {
        missing += CodePoints.string(code);
      }
    }
    return missing;
  }

  /**
   * Check phones written in the inventory's own symbols.
   *
   * @throws PhoneException a symbol isn't in the inventory, there is none, or there are too many.
   */
  String own(String text) {
    String phones = Whitespace.join(" ", Whitespace.words(text.replace('g', 'ɡ').replace('\'', 'ˈ')));
    boolean isSilent = true;
    for (int i = 0; i < phones.length() && isSilent; i++) {
      isSilent = PUNCTUATION.indexOf(phones.charAt(i)) >= 0 || phones.charAt(i) == symbols.charAt(0);
    }
    if (isSilent) {
      throw new PhoneException("'" + CodePoints.first(text, SHOWN) + "' holds no phones; write some, such as [[həlˈO]]");
    }
    int count = CodePoints.count(phones);
    if (count > MAX_PHONES) {
      throw new PhoneException(count + " phones at once are too many; give at most " + MAX_PHONES);
    }
    String missing = missing(phones) + (phones.indexOf(symbols.charAt(0)) >= 0 ? "_" : "");
    if (!missing.isEmpty()) {
      throw new PhoneException("'" + missing + "' is not a phone; use these: " + shown());
    }
    return phones;
  }
}
