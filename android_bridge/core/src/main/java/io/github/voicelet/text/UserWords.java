package io.github.voicelet.text;

/** The caller's own pronunciations, as the scanner asks for them. */
interface UserWords {
  /** A pronunciation found in a text. */
  final class Found {
    /** Where the word ends, in UTF-16 units. */
    final int end;

    /** To be used as they are; null where {@link #respelling} is to be read. */
    final String phones;

    final String respelling;

    Found(int end, String phones, String respelling) {
      this.end = end;
      this.phones = phones;
      this.respelling = respelling;
    }
  }

  /** The longest entry that stands at a place as a whole word; null for none. */
  Found match(String text, int at);
}
