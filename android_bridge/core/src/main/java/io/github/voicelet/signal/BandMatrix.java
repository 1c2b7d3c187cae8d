package io.github.voicelet.signal;

/** A matrix whose columns are zero outside a few neighbouring rows, like a filterbank.  Immutable. */
public final class BandMatrix {
  private final int[] firsts;
  private final int[] starts; // of each column in weights, and the end
  private final float[] weights;

  /**
   * Keep what isn't zero.
   *
   * @param matrix [rows][columns].
   */
  public BandMatrix(float[][] matrix) {
    int columns = matrix[0].length;
    firsts = new int[columns];
    starts = new int[columns + 1];
    float[] kept = new float[matrix.length * columns];
    int count = 0;
    for (int column = 0; column < columns; column++) {
      int first = 0;
      int last = matrix.length;
      while (first < last && matrix[first][column] == 0) {
        first++;
      }
      while (last > first && matrix[last - 1][column] == 0) {
        last--;
      }
      firsts[column] = first;
      starts[column] = count;
      for (int row = first; row < last; row++) {
        kept[count++] = matrix[row][column];
      }
    }
    starts[columns] = count;
    weights = java.util.Arrays.copyOf(kept, count);
  }

  /**
   * A row vector times this.
   *
   * @param row as long as the matrix has rows.
   * @param out takes as many numbers as it has columns.
   */
  public void multiply(float[] row, float[] out) {
    for (int column = 0; column < firsts.length; column++) {
      float sum = 0;
      int at = firsts[column];
      for (int i = starts[column]; i < starts[column + 1]; i++) {
        sum += row[at++] * weights[i];
      }
      out[column] = sum;
    }
  }
}
