package io.github.voicelet.graph;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;

/**
 * A block of numbers that goes into a graph or comes out of it: float32 or int64, rows first.
 *
 * <p>The numbers lie in a direct buffer in the machine's own byte order, which is what engines read without a copy.
 * (Java's default is big-endian; an engine handed such a buffer computes nonsense in silence.)  Only those of
 * {@link #wrap} and {@link #part} lie in an array of the heap; an engine copies them to where it can read them.
 */
public final class Tensor {
  private final long[] shape;
  private final FloatBuffer floats;
  private final LongBuffer longs;

  private Tensor(long[] shape, FloatBuffer floats, LongBuffer longs) {
    this.shape = shape;
    this.floats = floats;
    this.longs = longs;
  }

  /** Zeros of a shape. */
  public static Tensor floats(long... shape) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(Math.multiplyExact(count(shape), 4));
    return new Tensor(shape.clone(), bytes.order(ByteOrder.nativeOrder()).asFloatBuffer(), null);
  }

  /** A copy of numbers; as many as the shape holds. */
  public static Tensor of(float[] values, long... shape) {
    Tensor tensor = floats(shape);
    if (values.length != tensor.floats.capacity()) {
      throw new IllegalArgumentException(values.length + " numbers for " + Arrays.toString(shape));
    }
    tensor.floats.duplicate().put(values);
    return tensor;
  }

  /** A copy of whole numbers; as many as the shape holds. */
  public static Tensor of(long[] values, long... shape) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(Math.multiplyExact(count(shape), 8));
    LongBuffer longs = bytes.order(ByteOrder.nativeOrder()).asLongBuffer();
    if (values.length != longs.capacity()) {
      throw new IllegalArgumentException(values.length + " numbers for " + Arrays.toString(shape));
    }
    longs.duplicate().put(values);
    return new Tensor(shape.clone(), null, longs);
  }

  /** An array, shared; as many numbers as the shape holds. */
  public static Tensor wrap(float[] values, long... shape) {
    return wrap(FloatBuffer.wrap(values), shape);
  }

  /** Numbers of a buffer from its beginning to its capacity, shared; as many as the shape holds. */
  public static Tensor wrap(FloatBuffer values, long... shape) {
    if (values.capacity() != count(shape)) {
      throw new IllegalArgumentException(values.capacity() + " numbers for " + Arrays.toString(shape));
    }
    FloatBuffer all = values.duplicate();
    all.clear();
    return new Tensor(shape.clone(), all, null);
  }

  /** Numbers of an array from a place on, shared: as many as the shape holds. */
  public static Tensor part(float[] values, int offset, long... shape) {
    return new Tensor(shape.clone(), FloatBuffer.wrap(values, offset, count(shape)).slice(), null);
  }

  public long[] shape() {
    return shape.clone();
  }

  /** The length of one axis. */
  public int size(int axis) {
    return (int) shape[axis];
  }

  public boolean isFloat() {
    return floats != null;
  }

  /** The numbers, from the first to the last, shared with this tensor. */
  public FloatBuffer floats() {
    if (floats == null) {
      throw new IllegalStateException("these are whole numbers");
    }
    return floats.duplicate();
  }

  /** The numbers, from the first to the last, shared with this tensor. */
  public LongBuffer longs() {
    if (longs == null) {
      throw new IllegalStateException("these are floats");
    }
    return longs.duplicate();
  }

  /** A copy of the numbers. */
  public float[] toFloats() {
    float[] values = new float[floats().capacity()];
    floats().get(values);
    return values;
  }

  private static int count(long[] shape) {
    long count = 1;
    for (long size : shape) {
      if (size < 0) {
        throw new IllegalArgumentException("a size is negative: " + Arrays.toString(shape));
      }
      count = Math.multiplyExact(count, size);
    }
    return Math.toIntExact(count);
  }
}
