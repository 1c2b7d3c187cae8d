package io.github.voicelet.signal;

import java.util.Arrays;

/** Numbers that come in at the end and leave at the beginning; its array is used again and again. */
public final class FloatQueue {
  private float[] data;
  private int start;
  private int end;

  public FloatQueue(int capacity) {
    data = new float[Math.max(1, capacity)];
  }

  /** The array that holds them, from {@link #start} on; until numbers are added next. */
  public float[] array() {
    return data;
  }

  /** Where in {@link #array} the first one lies. */
  public int start() {
    return start;
  }

  /** How many there are. */
  public int size() {
    return end - start;
  }

  /** Make room for numbers at the end, of any value; returns where in {@link #array} they lie. */
  public int grow(int count) {
    if (end + count > data.length) {
      int size = size();
      float[] to = size + count > data.length ? new float[Math.max(size + count, 2 * data.length)] : data;
      System.arraycopy(data, start, to, 0, size);
      data = to;
      start = 0;
      end = size;
    }
    end += count;
    return end - count;
  }

  /** Add numbers. */
  public void add(float[] values, int offset, int count) {
    int at = grow(count);
    System.arraycopy(values, offset, data, at, count);
  }

  /** Add zeros. */
  public void addZeros(int count) {
    int at = grow(count);
    Arrays.fill(data, at, at + count, 0f);
  }

  /** Drop numbers from the beginning. */
  public void drop(int count) {
    start += count;
    if (start > end) {
      throw new IllegalArgumentException("there aren't so many numbers");
    }
  }

  /** Take numbers from the beginning. */
  public float[] take(int count) {
    float[] out = Arrays.copyOfRange(data, start, start + count);
    drop(count);
    return out;
  }
}
