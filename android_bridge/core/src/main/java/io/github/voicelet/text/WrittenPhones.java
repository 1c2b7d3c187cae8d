package io.github.voicelet.text;

import io.github.voicelet.PhoneException;
import io.github.voicelet.text.pronunciation.Pronunciation;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.HashMap;
import java.util.Map;

/** Phones that a caller writes: the inventory's own symbols, or everyday IPA, which is converted. */
final class WrittenPhones implements InlinePhones {
  private static final int LONGEST = 3;
  private static final Map<String, String> IPA = new HashMap<>();

  static {
    String[] pairs = {
      "eɪ A", "aɪ I", "oʊ O", "əʊ O", "aʊ W", "ɔɪ Y", "ɔj Y", "aj I", "ej A", "ow O", "aw W", "d͡ʒ ʤ", "t͡ʃ ʧ", "dʒ ʤ", "tʃ ʧ",
      "ɝ ɜɹ", "ɚ əɹ", "ɜː ɜɹ", "ɾ T", "r ɹ", "ɫ l", "g ɡ", "ɒ ɑ", "o O", "' ˈ", "ʲ ", "ʰ ", "\u0329 ", "\u0361 ", "ː ", "ˑ ", ". ",
      "‿ ", "\u032F ", "ɨ ᵻ", "ʍ w", "x k", "ɵ O", "ɘ ə", "y u", "ø ɜ"
    };
    for (String pair : pairs) {
      int space = pair.indexOf(' ');
      IPA.put(pair.substring(0, space), pair.substring(space + 1));
    }
  }

  private final PhoneInventory inventory;
  private final Pronunciation language;

  /** Checked against an inventory; {@code language} has the possessive. */
  WrittenPhones(PhoneInventory inventory, Pronunciation language) {
    this.inventory = inventory;
    this.language = language;
  }

  @Override
  public String phones(String written) {
    int count = CodePoints.count(written);
    if (count > 4 * PhoneInventory.MAX_PHONES) {
      throw new PhoneException(count + " phones at once are too many; give at most " + PhoneInventory.MAX_PHONES);
    }
    String text = Whitespace.strip(written);
    int start = 0;
    int end = text.length();
    while (start < end && text.charAt(start) == '/') {
      start++;
    }
    while (end > start && text.charAt(end - 1) == '/') {
      end--;
    }
    return inventory.own(converted(text.substring(start, end)));
  }

  private static String converted(String text) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); ) {
      int length = Math.min(LONGEST, text.length() - i);
      while (length > 0 && !IPA.containsKey(text.substring(i, i + length))) {
        length--;
      }
      out.append(length == 0 ? text.substring(i, i + 1) : IPA.get(text.substring(i, i + length)));
      i += Math.max(1, length);
    }
    return out.toString();
  }

  @Override
  public String withPossessive(String phones) {
    return language.inflection().addPlural(phones);
  }
}
