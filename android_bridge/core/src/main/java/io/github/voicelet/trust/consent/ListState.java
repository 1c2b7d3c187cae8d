package io.github.voicelet.trust.consent;

import io.github.voicelet.trust.keys.Hex;

/** The state of a list of revocations, kept apart from it: how many lines it has, and the hash of the last. Immutable. */
public final class ListState {
  /** What stands for the line before the first. */
  static final String START = new String(new char[64]).replace('\0', '0');

  static final ListState EMPTY = new ListState(0, START);

  private final int count;
  private final String sha256;

  /**
   * @param count lines.
   * @param sha256 of the last one, 64 hexadecimal digits.
   * @throws IllegalArgumentException no list has that state.
   */
  public ListState(int count, String sha256) {
    if (count < 0 || !Hex.isHex(sha256, 64) || (count == 0) != sha256.equals(START)) {
      throw new IllegalArgumentException("no state of a list");
    }
    this.count = count;
    this.sha256 = sha256;
  }

  /** Lines. */
  public int count() {
    return count;
  }

  /** Of the last line, 64 hexadecimal digits. */
  public String sha256() {
    return sha256;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ListState && count == ((ListState) other).count && sha256.equals(((ListState) other).sha256);
  }

  @Override
  public int hashCode() {
    return 31 * count + sha256.hashCode();
  }

  @Override
  public String toString() {
    return count + " lines, " + sha256;
  }
}
