package io.github.voicelet.text.pack.pattern;

/** What a pattern matched, by the groups' numbers. */
public final class Match {
  private final String text;

  /** Start and end of each group, that of all of it first; -1 where one took no part. */
  private final int[] places;

  Match(String text, int[] places) {
    this.text = text;
    this.places = places;
  }

  /** Where it begins, in UTF-16 units. */
  public int start() {
    return places[0];
  }

  /** Where it ends. */
  public int end() {
    return places[1];
  }

  /** All of it. */
  public String text() {
    return text.substring(places[0], places[1]);
  }

  /** The text of a group; "" where it took no part. */
  public String group(int number) {
    int start = places[2 * number];
    return start < 0 ? "" : text.substring(start, places[2 * number + 1]);
  }
}
