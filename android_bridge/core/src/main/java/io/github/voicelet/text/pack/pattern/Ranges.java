package io.github.voicelet.text.pack.pattern;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** A set of code points: inclusive ranges, in order. */
final class Ranges {
  static final Ranges NONE = new Ranges(new int[0]);
  static final Ranges ALL = new Ranges(new int[] {0, Character.MAX_CODE_POINT});

  /** First and last of each range. */
  private final int[] bounds;

  /** A bit for each code point below 128, most of what is ever asked for. */
  private final long below64;

  private final long below128;

  private Ranges(int[] bounds) {
    this.bounds = bounds;
    long first = 0;
    long second = 0;
    for (int i = 0; i < bounds.length; i += 2) {
      for (int code = bounds[i]; code <= Math.min(bounds[i + 1], 0x7F); code++) {
        if (code < 64) {
          first |= 1L << code;
        } else {
          second |= 1L << code;
        }
      }
    }
    below64 = first;
    below128 = second;
  }

  static Ranges of(int code) {
    return new Ranges(new int[] {code, code});
  }

  /**
   * The ranges of a list, in any order.
   *
   * @param pairs first and last of each.
   */
  static Ranges union(int[] pairs, int count) {
    long[] sorted = new long[count];
    for (int i = 0; i < count; i++) {
      sorted[i] = ((long) pairs[2 * i] << 32) | pairs[2 * i + 1];
    }
    Arrays.sort(sorted);
    int[] merged = new int[2 * count];
    int size = 0;
    for (long range : sorted) {
      int low = (int) (range >> 32);
      int high = (int) range;
      if (size > 0 && low <= merged[size - 1] + 1) {
        merged[size - 1] = Math.max(merged[size - 1], high);
      } else {
        merged[size++] = low;
        merged[size++] = high;
      }
    }
    return new Ranges(Arrays.copyOf(merged, size));
  }

  Ranges union(Ranges other) {
    if (bounds.length == 0) {
      return other;
    }
    if (other.bounds.length == 0 || other == this) {
      return this;
    }
    int[] pairs = Arrays.copyOf(bounds, bounds.length + other.bounds.length);
    System.arraycopy(other.bounds, 0, pairs, bounds.length, other.bounds.length);
    return union(pairs, pairs.length / 2);
  }

  Ranges complement() {
    int[] gaps = new int[bounds.length + 2];
    int size = 0;
    int at = 0;
    for (int i = 0; i < bounds.length; i += 2) {
      if (bounds[i] > at) {
        gaps[size++] = at;
        gaps[size++] = bounds[i] - 1;
      }
      at = Math.max(at, bounds[i + 1] + 1);
    }
    if (at <= Character.MAX_CODE_POINT) {
      gaps[size++] = at;
      gaps[size++] = Character.MAX_CODE_POINT;
    }
    return new Ranges(Arrays.copyOf(gaps, size));
  }

  boolean isEmpty() {
    return bounds.length == 0;
  }

  boolean overlaps(Ranges other) {
    int i = 0;
    int j = 0;
    while (i < bounds.length && j < other.bounds.length) {
      if (bounds[i] <= other.bounds[j + 1] && other.bounds[j] <= bounds[i + 1]) {
        return true;
      }
      if (bounds[i + 1] < other.bounds[j + 1]) {
        i += 2;
      } else {
        j += 2;
      }
    }
    return false;
  }

  boolean has(int code) {
    if (code < 128) {
      return ((code < 64 ? below64 : below128) >>> code & 1) != 0;
    }
    int low = 0;
    int high = bounds.length / 2 - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      if (code < bounds[2 * middle]) {
        high = middle - 1;
      } else if (code > bounds[2 * middle + 1]) {
        low = middle + 1;
      } else {
        return true;
      }
    }
    return false;
  }

  /**
   * The largest sum of weights over the sets that hold one code point.
   *
   * @param sets at most {@code count} of them.
   * @param weights of each.
   */
  static double peak(Ranges[] sets, double[] weights, int count) {
    TreeMap<Integer, Double> changes = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      int[] bounds = sets[i].bounds;
      for (int j = 0; j < bounds.length; j += 2) {
        add(changes, bounds[j], weights[i]);
        add(changes, bounds[j + 1] + 1, -weights[i]);
      }
    }
    double sum = 0;
    double most = 0;
    for (double change : changes.values()) {
      sum += change;
      most = Math.max(most, sum);
    }
    return most;
  }

  private static void add(Map<Integer, Double> changes, int code, double weight) {
    Double known = changes.get(code);
    changes.put(code, known == null ? weight : known + weight);
  }

  /** The only code point; -1 where there are more or none. */
  int only() {
    return bounds.length == 2 && bounds[0] == bounds[1] ? bounds[0] : -1;
  }
}
