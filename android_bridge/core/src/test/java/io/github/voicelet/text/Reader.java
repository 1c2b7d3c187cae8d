package io.github.voicelet.text;

import io.github.voicelet.text.pack.Pack;

/** Reads a text by a pack, for tests of other packages. */
public final class Reader {
  private Reader() {}

  /** The text as words, marks and breaks in the notation of cases.tsv. */
  public static String say(String text, Pack pack) {
    return Packs.say(text, pack);
  }
}
