package io.github.voicelet.synth;

import io.github.voicelet.signal.Windows;

/**
 * A Hann window of {@code size} samples every {@code hop}; frame i is centred on (i + 0.5) · hop.
 *
 * <p>The squared windows of overlapping frames sum to 0.375 · size / hop, which the inverse divides by: what went in comes out.
 */
final class SynthesisWindow {
  final int size;
  final int hop;
  /** Samples before a frame's own hop that it reaches, and after it. */
  final int side;
  /** Hops that a frame shares with those after it. */
  final int overlap;
  final float[] analysis;
  final float[] synthesis;

  SynthesisWindow(int size, int hop) {
    this.size = size;
    this.hop = hop;
    side = (size - hop) / 2;
    overlap = size / hop - 1;
    analysis = Windows.hann(size);
    synthesis = analysis.clone();
    float sum = (float) (0.375 * size / hop);
    for (int i = 0; i < size; i++) {
      synthesis[i] /= sum;
    }
  }

  /** Frames past a sample's own that add to it. */
  int delayFrames() {
    return (side + hop - 1) / hop;
  }
}
