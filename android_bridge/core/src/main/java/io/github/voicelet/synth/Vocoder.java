package io.github.voicelet.synth;

import io.github.voicelet.BundleException;
import io.github.voicelet.graph.Graph;
import io.github.voicelet.graph.Tensor;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** The vocoder graph and the sizes of its STFT.  Holds no state of a stream. */
final class Vocoder {
  private static final String ROLE = "vocoder";
  private static final int MAX_BINS = 1 << 15;

  private final Graph graph;
  final int contextFrames;
  final int mels;
  final int hop;
  final int rateHz;
  final int bins;
  final SynthesisWindow window;
  /** A graph that doesn't ask for voicing hears it in the mel; its pulses never pause. */
  final boolean continuous;
  /** Of the correction; null where the graph names no targets. */
  final Bands bands;

  private final boolean hasPhase;

  /** What the graph says of some frames, from the first on. */
  static final class Filters {
    final FloatBuffer logHarmonic;
    final FloatBuffer logNoise;
    /** Null turns nothing. */
    final FloatBuffer phase;
    /** Null corrects nothing. */
    final FloatBuffer target;

    Filters(FloatBuffer logHarmonic, FloatBuffer logNoise, FloatBuffer phase, FloatBuffer target) {
      this.logHarmonic = logHarmonic;
      this.logNoise = logNoise;
      this.phase = phase;
      this.target = target;
    }
  }

  /**
   * Take a graph.
   *
   * @param bins of its filters, as the manifest says; its window is twice as many samples, less two.
   * @throws BundleException it is no vocoder, or its window doesn't fit the features'.
   */
  Vocoder(Graph graph, int contextFrames, VoiceManifest.Features features, int bins) {
    GraphChecks.names(
        graph,
        Arrays.asList("mel", "log_f0", "voicing"),
        Arrays.asList("harmonic_log_magnitude", "noise_log_magnitude"),
        ROLE);
    int size = 2 * (bins - 1);
    if (bins < 2 || bins > MAX_BINS || size % (2 * features.hop) != 0) {
      throw new BundleException("the vocoder's window isn't an even number of hops; use another bundle");
    }
    if (size < features.window) {
      throw new BundleException("the vocoder's window is shorter than the features'; use another bundle");
    }
    this.graph = graph;
    this.contextFrames = contextFrames;
    this.bins = bins;
    mels = features.mels;
    hop = features.hop;
    rateHz = features.rateHz;
    window = new SynthesisWindow(size, hop);
    continuous = !graph.inputs().contains("voicing");
    hasPhase = graph.outputs().contains("harmonic_phase");
    bands = graph.outputs().contains("target")
        ? new Bands(mels, features.lowHz, features.highHz, rateHz, size)
        : null;
  }

  Graph graph() {
    return graph;
  }

  /**
   * Filters of the frames {@code first} to {@code last} of a clause.
   *
   * @param from frame of the arrays that the clause begins with.
   * @param length frames of the clause.
   */
  Filters filters(
      float[] mel, float[] logF0, float[] voicing, int from, int length, int first, int last,
      Cancellation cancellation) {
    int low = Math.max(0, first - contextFrames);
    int high = Math.min(length, last + contextFrames);
    int n = high - low;
    Map<String, Tensor> feed = new HashMap<>();
    feed.put("mel", Tensor.part(mel, (from + low) * mels, 1, n, mels));
    feed.put("log_f0", Tensor.part(logF0, from + low, 1, n));
    if (!continuous) {
      feed.put("voicing", Tensor.part(voicing, from + low, 1, n));
    }
    Map<String, Tensor> out = cancellation.run(graph, feed);
    int skip = first - low;
    return new Filters(
        part(out, "harmonic_log_magnitude", n, bins, skip),
        part(out, "noise_log_magnitude", n, bins, skip),
        hasPhase ? part(out, "harmonic_phase", n, bins, skip) : null,
        bands != null ? part(out, "target", n, mels, skip) : null);
  }

  private static FloatBuffer part(Map<String, Tensor> out, String name, int frames, int width, int skip) {
    FloatBuffer values = GraphChecks.output(out, name, ROLE, 1, frames, width).floats();
    values.position(skip * width);
    return values.slice();
  }
}
