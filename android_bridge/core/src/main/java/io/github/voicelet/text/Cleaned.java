package io.github.voicelet.text;

import java.util.Arrays;

/** Clean text with, for every UTF-16 unit, where it came from: code points of the source. */
final class Cleaned {
  final StringBuilder text = new StringBuilder();
  private int[] starts = new int[64];
  private int[] ends = new int[64];

  void add(int code, int start, int end) {
    int at = text.length();
    text.appendCodePoint(code);
    room(text.length());
    for (; at < text.length(); at++) {
      starts[at] = start;
      ends[at] = end;
    }
  }

  private void room(int length) {
    if (length > starts.length) {
      int more = Math.max(length, starts.length * 2);
      starts = Arrays.copyOf(starts, more);
      ends = Arrays.copyOf(ends, more);
    }
  }

  /** The code point of the source at which the one at a place begins. */
  int start(int at) {
    return starts[at];
  }

  /** The code point of the source before which the one at a place ends. */
  int end(int at) {
    return ends[at];
  }

  /** The end of the source of all that stands from one place to another. */
  int lastEnd(int from, int to) {
    int last = ends[from];
    for (int i = from + 1; i < to; i++) {
      last = Math.max(last, ends[i]);
    }
    return last;
  }

  /** Forget what stands before a place. */
  void drop(int count) {
    int left = text.length() - count;
    text.delete(0, count);
    System.arraycopy(starts, count, starts, 0, left);
    System.arraycopy(ends, count, ends, 0, left);
  }
}
