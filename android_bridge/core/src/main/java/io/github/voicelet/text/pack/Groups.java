package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.List;

/** The named groups of a rule's pattern. */
final class Groups {
  private final List<String> names;

  /** In the order of their numbers, from 1 on. */
  Groups(List<String> names) {
    this.names = names;
  }

  /**
   * The number of a group.
   *
   * @throws PackException there is none of that name.
   */
  int number(String name) {
    int place = names.indexOf(name);
    if (place < 0) {
      throw new PackException(
          "the pattern has no group '"
              + name
              + "'"
              + Nearest.didYouMean(name, names)
              + "; it has "
              + (names.isEmpty() ? "none" : Whitespace.join(", ", names)));
    }
    return place + 1;
  }
}
