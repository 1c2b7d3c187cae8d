package io.github.voicelet.synth;

import io.github.voicelet.signal.FloatQueue;
import io.github.voicelet.signal.RealFft;
import io.github.voicelet.trust.watermark.FrameGains;

/**
 * Corrects what the vocoder's filters gave, so that its mel becomes the one that was asked for: one clause, in order.
 *
 * <p>The filters of a frame can't foresee how it adds up with its neighbours, nor how the noise falls.  What came of them is
 * measured and corrected once, band by band; the phases stay, as in a round of Griffin and Lim (1984).
 */
final class Correction {
  /** Share of the correction that people get whom the voice wasn't trained with: their mels are less sure. */
  static final float OF_STRANGERS = 0.5f;

  private final Bands bands;
  private final SynthesisWindow window;
  private final FrameGains mark;
  private final float share;
  private final RealFft fft;
  private final OverlapAdd out;
  private final FloatQueue wave; // from the next frame's start on
  private final FloatQueue targets;
  private final Bands.Scratch scratch;
  private final float[] re;
  private final float[] im;
  private final float[] magnitude;
  private final float[] gains;
  private final float[] frame;
  private int done;

  /**
   * For a clause.
   *
   * @param mark put on after the correction, which would take it off again; null where it is put on later.
   * @param share of the correction that is made, 0 to 1.
   */
  Correction(Bands bands, SynthesisWindow window, RealFft fft, FrameGains mark, float share) {
    this.bands = bands;
    this.window = window;
    this.mark = mark;
    this.share = share;
    this.fft = fft;
    out = new OverlapAdd(window);
    wave = new FloatQueue(4 * window.size);
    wave.addZeros(window.side);
    targets = new FloatQueue(64 * bands.count);
    scratch = new Bands.Scratch(bands.count);
    re = new float[fft.bins()];
    im = new float[fft.bins()];
    magnitude = new float[fft.bins()];
    gains = new float[fft.bins()];
    frame = new float[window.size];
  }

  /** Frames of the first pass, past a frame's own, that make the samples it covers. */
  static int delayFrames(SynthesisWindow window) {
    return (2 * window.side + window.hop - 1) / window.hop;
  }

  /** Where the samples of the first pass are put; the targets of their frames come ahead of them. */
  FloatQueue wave() {
    return wave;
  }

  /** Where the targets are put, frame by frame. */
  FloatQueue targets() {
    return targets;
  }

  /** Correct the frames whose samples are there. */
  void advance(FloatQueue corrected) {
    while (wave.size() >= window.size) {
      fft.forward(wave.array(), wave.start(), window.analysis, re, im);
      for (int i = 0; i < re.length; i++) {
        magnitude[i] = (float) Math.sqrt(re[i] * re[i] + im[i] * im[i]);
      }
      bands.gains(magnitude, targets.array(), targets.start(), share, scratch, gains);
      float[] marked = mark == null ? null : mark.of(done);
      for (int i = 0; i < re.length; i++) {
        float gain = marked == null ? gains[i] : gains[i] * marked[i];
        re[i] *= gain;
        im[i] *= gain;
      }
      fft.inverse(re, im, window.synthesis, frame);
      out.add(frame, corrected);
      done++;
      wave.drop(window.hop);
      targets.drop(bands.count);
    }
  }

  /** Correct what is left; no more samples will come. */
  void end(FloatQueue corrected) {
    wave.addZeros(window.side);
    advance(corrected);
    out.end(corrected);
  }
}
