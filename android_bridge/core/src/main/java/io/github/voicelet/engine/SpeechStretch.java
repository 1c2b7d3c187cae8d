package io.github.voicelet.engine;

/** A stretch of speech and the words that begin in it. */
public final class SpeechStretch {
  private final float[] samples;
  private final int[] words;

  /**
   * @param samples in [-1, 1], one channel.
   * @param words three numbers a word: the sample of this stretch at which it begins, and its range in the text of the request in UTF-16
   *     units.
   */
  public SpeechStretch(float[] samples, int[] words) {
    if (words.length % 3 != 0) {
      throw new IllegalArgumentException("three numbers a word");
    }
    this.samples = samples;
    this.words = words;
  }

  public float[] samples() {
    return samples;
  }

  int wordCount() {
    return words.length / 3;
  }

  int wordSample(int word) {
    return words[3 * word];
  }

  int wordStart(int word) {
    return words[3 * word + 1];
  }

  int wordEnd(int word) {
    return words[3 * word + 2];
  }
}
