package io.github.voicelet.synth;

import io.github.voicelet.signal.FloatQueue;

/** One clause on its way to samples; belongs to one stream. */
interface Rendering {
  /** Its length, in frames of the voice; it may become less, down to the frames that were asked for. */
  int frames();

  /** When each phone ends, pads included, in seconds of the clause, as it is heard. */
  double[] endsS();

  /**
   * Samples of the frames up to {@code last} (more than before) that weren't given before; how a clause is cut doesn't change
   * them, to 1e-3 at least.
   *
   * @throws io.github.voicelet.BundleException the model gave numbers that aren't finite.
   * @throws io.github.voicelet.CancelledSpeechException the stream was cancelled.
   */
  void advance(int last, FloatQueue out);
}
