package io.github.voicelet.synth;

import java.util.List;

/** A stretch of audio.  Chunks are played in the order in which they come. */
public final class AudioChunk {
  private static final float PCM_SCALE = 32767f;

  private final float[] samples;
  private final int sampleRateHz;
  private final double startS;
  private final int textStart;
  private final int textEnd;
  private final List<WordTiming> words;
  private final List<MarkTiming> marks;
  private final boolean first;
  private final boolean last;

  AudioChunk(
      float[] samples, int sampleRateHz, double startS, int textStart, int textEnd, List<WordTiming> words,
      List<MarkTiming> marks, boolean first, boolean last) {
    this.samples = samples;
    this.sampleRateHz = sampleRateHz;
    this.startS = startS;
    this.textStart = textStart;
    this.textEnd = textEnd;
    this.words = words;
    this.marks = marks;
    this.first = first;
    this.last = last;
  }

  /** The same, as the last one, with other samples. */
  AudioChunk ending(float[] longer) {
    return new AudioChunk(longer, sampleRateHz, startS, textStart, textEnd, words, marks, first, true);
  }

  /** Mono, in -1 to 1; the caller's own. */
  public float[] samples() {
    return samples;
  }

  /** The samples as 16-bit integers, which players take. */
  public short[] toPcm16() {
    short[] out = new short[samples.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (short) Math.round(Math.max(-1f, Math.min(1f, samples[i])) * PCM_SCALE);
    }
    return out;
  }

  public int sampleRateHz() {
    return sampleRateHz;
  }

  /** Where it begins in the stream, in seconds. */
  public double startS() {
    return startS;
  }

  /** Where its first word begins in the caller's text, in chars; behind the last word before it where none begins in it. */
  public int textStart() {
    return textStart;
  }

  /** Where its words end in the caller's text, in chars. */
  public int textEnd() {
    return textEnd;
  }

  /** The words that begin in it. */
  public List<WordTiming> words() {
    return words;
  }

  /** The SSML marks reached in it. */
  public List<MarkTiming> marks() {
    return marks;
  }

  /** Whether the stream begins with it. */
  public boolean isFirst() {
    return first;
  }

  /** Whether the stream ends with it. */
  public boolean isLast() {
    return last;
  }
}
