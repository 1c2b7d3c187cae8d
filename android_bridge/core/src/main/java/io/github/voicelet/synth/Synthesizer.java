package io.github.voicelet.synth;

import io.github.voicelet.BundleException;
import io.github.voicelet.graph.Graph;
import io.github.voicelet.graph.GraphEngine;
import io.github.voicelet.signal.Philox;
import io.github.voicelet.text.PhoneClause;
import io.github.voicelet.trust.watermark.ClauseMark;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** The graphs of a voice, opened: FastSpeech 2 makes frames, a source-filter vocoder makes samples. */
final class Synthesizer {
  final VoiceManifest manifest;
  final SpeakerBook speakers;
  final AcousticModel acoustic;
  final Vocoder vocoder;
  private final Phones inventory;
  private final List<Graph> graphs = new ArrayList<>();

  /**
   * Open the graphs.
   *
   * @throws BundleException the bundle lacks one, or it can't be run.
   */
  Synthesizer(VoiceFiles files, GraphEngine engine, int threads) {
    manifest = new VoiceManifest(files.manifest());
    speakers = new SpeakerBook(manifest, manifest.presets.isEmpty() ? null : files.data("presets"));
    inventory = new Phones(manifest.phones);
    boolean opened = false;
    try {
      acoustic =
          new AcousticModel(
              open(files, engine, threads, "acoustic_encoder"),
              open(files, engine, threads, "acoustic_decoder"),
              context("acoustic_decoder"),
              manifest.pitchScale,
              manifest.speakerSize,
              manifest.features.mels,
              manifest.labelDelayFrames);
      vocoder =
          new Vocoder(
              open(files, engine, threads, "vocoder"), context("vocoder"), manifest.features, manifest.vocoderBins);
      opened = true;
    } finally {
      if (!opened) {
        close();
      }
    }
  }

  private Graph open(VoiceFiles files, GraphEngine engine, int threads, String role) {
    ByteBuffer model = files.graph(role);
    Graph graph = engine.open(model, threads);
    graphs.add(graph);
    return graph;
  }

  private int context(String role) {
    Integer frames = manifest.contextFrames.get(role);
    if (frames == null) {
      throw new BundleException("the bundle has no graph '" + role + "'; install the voice again");
    }
    return frames;
  }

  /**
   * Encode a clause; what is rendered of it is marked.
   *
   * @param speaker of {@link SpeakerBook#vector}.
   * @param random all randomness of the clause comes from it.
   * @throws io.github.voicelet.PhoneException a symbol isn't one of the voice's.
   */
  Rendering begin(
      PhoneClause clause, float[] speaker, Controls controls, Philox random, ClauseMark mark,
      Cancellation cancellation) {
    boolean compressed = controls.speed > CompressedRendering.MODEL_SPEED;
    Controls pace = compressed ? controls.withSpeed(1.0) : controls;
    EncodedClause encoded =
        acoustic.encode(inventory.encode(clause.phones), speaker, pace, clause, cancellation);
    float share = speakers.isPreset(speaker) ? 1f : Correction.OF_STRANGERS;
    // The mark is laid out in the time that is heard.
    Rendering rendering =
        new SourceFilterRendering(
            this, encoded, clause.phones, random, compressed ? null : mark, controls.whisper, share, cancellation);
    if (!compressed) {
      return rendering;
    }
    Rendering fast =
        new CompressedRendering(rendering, clause.phones, controls.speed, vocoder.hop, vocoder.rateHz);
    return new MarkedRendering(fast, mark, vocoder.hop, vocoder.rateHz);
  }

  void close() {
    for (Graph graph : graphs) {
      graph.close();
    }
  }
}
