package io.github.voicelet.synth;

import io.github.voicelet.signal.FloatQueue;
import java.util.Arrays;

/** Adds up frames; gives out the samples that are final, from the waveform's first on. */
final class OverlapAdd {
  private final SynthesisWindow window;
  private final float[] sum;
  private int skip;

  OverlapAdd(SynthesisWindow window) {
    this.window = window;
    sum = new float[window.size];
    skip = window.side;
  }

  /** Add the next frame, of the window's size; a hop of samples goes out, once it is under way. */
  void add(float[] frame, FloatQueue out) {
    for (int i = 0; i < frame.length; i++) {
      sum[i] += frame[i];
    }
    give(window.hop, out);
    System.arraycopy(sum, window.hop, sum, 0, sum.length - window.hop);
    Arrays.fill(sum, sum.length - window.hop, sum.length, 0f);
  }

  /** What is left when the last frame was added. */
  void end(FloatQueue out) {
    give(window.side, out);
  }

  private void give(int count, FloatQueue out) {
    int skipped = Math.min(skip, count);
    skip -= skipped;
    out.add(sum, skipped, count - skipped);
  }
}
