package io.github.voicelet.synth;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;

/** Finished speech. */
public final class Audio {
  private final float[] samples;
  private final int sampleRateHz;
  private final List<WordTiming> words;
  private final List<MarkTiming> marks;

  private Audio(float[] samples, int sampleRateHz, List<WordTiming> words, List<MarkTiming> marks) {
    this.samples = samples;
    this.sampleRateHz = sampleRateHz;
    this.words = Collections.unmodifiableList(words);
    this.marks = Collections.unmodifiableList(marks);
  }

  /** Collect a stream. */
  static Audio join(Iterator<AudioChunk> chunks, int sampleRateHz) {
    List<float[]> pieces = new ArrayList<>();
    List<WordTiming> words = new ArrayList<>();
    List<MarkTiming> marks = new ArrayList<>();
    int count = 0;
    while (chunks.hasNext()) {
      AudioChunk chunk = chunks.next();
      pieces.add(chunk.samples());
      count += chunk.samples().length;
      words.addAll(chunk.words());
      marks.addAll(chunk.marks());
    }
    float[] all = new float[count];
    int at = 0;
    for (float[] piece : pieces) {
      System.arraycopy(piece, 0, all, at, piece.length);
      at += piece.length;
    }
    return new Audio(all, sampleRateHz, words, marks);
  }

  /** Mono, in -1 to 1. */
  public float[] samples() {
    return samples;
  }

  public int sampleRateHz() {
    return sampleRateHz;
  }

  /** All words, in the order in which they are heard. */
  public List<WordTiming> words() {
    return words;
  }

  /** All SSML marks, in the order in which they are reached. */
  public List<MarkTiming> marks() {
    return marks;
  }

  /** Length in seconds. */
  public double seconds() {
    return (double) samples.length / sampleRateHz;
  }
}
