package io.github.voicelet.synth;

/** A clause, ready to be decoded. */
final class EncodedClause {
  /** Frames until the end of each phone, pads included; the last is the length. */
  final int[] ends;
  /** The decoder's input, [frames · width]. */
  final float[] frames;
  final int width;
  final float[] condition;
  /** The speaker's mean log f0. */
  final float logF0Mean;
  /** Frames that are voiced whatever the decoder says; null for none. */
  final boolean[] voiced;

  EncodedClause(int[] ends, float[] frames, int width, float[] condition, float logF0Mean, boolean[] voiced) {
    this.ends = ends;
    this.frames = frames;
    this.width = width;
    this.condition = condition;
    this.logF0Mean = logF0Mean;
    this.voiced = voiced;
  }

  int length() {
    return frames.length / width;
  }
}
