package io.github.voicelet.synth;

import io.github.voicelet.BundleException;
import io.github.voicelet.signal.FloatQueue;
import io.github.voicelet.signal.Philox;
import io.github.voicelet.trust.watermark.ClauseMark;

/**
 * A clause: decoded and vocoded stretch by stretch, the decoder ahead of the vocoder.
 *
 * <p>The silence at both ends is cut.  How the clause is cut into runs of the decoder doesn't depend on the stretches, so that
 * these can't change where.
 */
final class SourceFilterRendering implements Rendering {
  private static final int FIRST_RUN_FRAMES = 44; // past the first silence: what a stream's first stretch needs
  private static final int RUN_FRAMES = 800; // bounds the memory needed
  private static final int SHORT_RUN_FRAMES = 16; // fewer aren't worth a run of the decoder

  private final AcousticModel acoustic;
  private final EncodedClause encoded;
  private final ClauseEdges edges;
  private final Cancellation cancellation;
  private final int total;
  private final float[] mel;
  private final float[] logF0;
  private final float[] voicing;
  private final int start;
  private final ClauseVocoder clause;
  private final double[] endsS;
  private int decoded;
  private int frames;

  /**
   * For a clause.
   *
   * @param phones without pads.
   * @param mark null where it is put on later.
   * @param share of the vocoder's correction.
   */
  SourceFilterRendering(
      Synthesizer synthesizer, EncodedClause encoded, String phones, Philox random, ClauseMark mark, boolean whisper,
      float share, Cancellation cancellation) {
    VoiceManifest manifest = synthesizer.manifest;
    Vocoder vocoder = synthesizer.vocoder;
    acoustic = synthesizer.acoustic;
    this.encoded = encoded;
    this.cancellation = cancellation;
    edges = new ClauseEdges(phones, encoded.ends, manifest.melMean, manifest.melStd);
    total = encoded.length();
    mel = new float[Math.multiplyExact(total, vocoder.mels)];
    logF0 = new float[total];
    voicing = new float[total];
    decode(Math.max(edges.head, encoded.ends[0] + FIRST_RUN_FRAMES));
    start = edges.first(mel);
    clause =
        new ClauseVocoder(
            vocoder, mel, logF0, voicing, start, random,
            mark == null ? null : mark.frames(vocoder.rateHz, vocoder.hop, vocoder.window.size, 0), whisper, share);
    frames = total - start;
    settle();
    double frameS = (double) vocoder.hop / vocoder.rateHz;
    endsS = edges.heard(encoded.ends, acoustic.labelDelayFrames);
    for (int i = 0; i < endsS.length; i++) {
      endsS[i] = Math.max(0.0, Math.min(frames, endsS[i] - start)) * frameS;
    }
  }

  @Override
  public int frames() {
    return frames;
  }

  @Override
  public double[] endsS() {
    return endsS;
  }

  @Override
  public void advance(int last, FloatQueue out) {
    int vocoded = Math.min(frames, last + clause.delayFrames());
    int target = start + Math.min(frames, vocoded + clause.lookaheadFrames());
    if (target > decoded) {
      int wanted = target > edges.tail ? total : target;
      while (decoded < wanted) {
        decode(decoded + RUN_FRAMES);
        cancellation.check();
      }
      settle();
    }
    int before = out.size();
    clause.advance(Math.min(vocoded, frames), out, cancellation);
    float[] samples = out.array();
    for (int i = out.start() + before; i < out.start() + out.size(); i++) {
      if (!GraphChecks.isFinite(samples[i])) {
        throw new BundleException("the vocoder gave numbers that aren't finite; use another bundle");
      }
    }
  }

  /** Decode the frames up to {@code last}, or to the end if little is left then. */
  private void decode(int last) {
    int until = last + SHORT_RUN_FRAMES > total ? total : last;
    acoustic.decode(encoded, decoded, until, mel, logF0, voicing, cancellation);
    decoded = until;
  }

  /** Cut the silence at the end, once it is decoded. */
  private void settle() {
    if (decoded == total) {
      frames = Math.max(1, edges.last(mel, total) - start);
      clause.endAt(frames);
    }
  }
}
