package io.github.voicelet.synth;

import io.github.voicelet.BundleException;
import io.github.voicelet.ProfileException;
import io.github.voicelet.graph.Graph;
import io.github.voicelet.graph.Tensor;
import io.github.voicelet.text.PhoneClause;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * From phones to frames: durations, pitch and energy per phone, then mel and f0 per frame.
 *
 * <p>FastSpeech 2 (Ren et al. 2021): the encoder runs once on a clause, every phone's features are repeated for its frames, and
 * the decoder runs on any stretch of them.  Holds no state of a stream.
 */
final class AcousticModel {
  private static final String ENCODER = "acoustic_encoder";
  private static final String DECODER = "acoustic_decoder";
  private static final double ENERGY_STD_DB = 14.0; // one unit of the energy feature
  private static final double EFFORT = 0.25; // share of a change of loudness that goes into the model's energy
  private static final float LOG_MAX_PHONE_FRAMES = (float) Math.log(240); // 3 s, at normal speed
  private static final float MIN_LOG_F0 = (float) Math.log(40.0);
  private static final float MAX_LOG_F0 = (float) Math.log(1000.0);
  private static final int F0_INDEX = 256; // where a speaker vector holds the mean log f0
  private static final String NOT_FINITE =
      "the acoustic model gave numbers that aren't finite for this voice; enrol it again";

  private final Graph encoder;
  private final Graph decoder;
  private final int contextFrames;
  private final double pitchScale;
  private final int speakerSize;
  private final int bands;
  final double labelDelayFrames;

  AcousticModel(
      Graph encoder, Graph decoder, int contextFrames, double pitchScale, int speakerSize, int bands,
      double labelDelayFrames) {
    GraphChecks.names(
        encoder,
        Arrays.asList("phones", "speaker"),
        Arrays.asList("hidden", "log_duration", "pitch", "energy", "condition"),
        ENCODER);
    GraphChecks.names(
        decoder,
        Arrays.asList("frames", "condition", "log_f0_mean"),
        Arrays.asList("mel", "log_f0", "voicing"),
        DECODER);
    this.encoder = encoder;
    this.decoder = decoder;
    this.contextFrames = contextFrames;
    this.pitchScale = pitchScale;
    this.speakerSize = speakerSize;
    this.bands = bands;
    this.labelDelayFrames = labelDelayFrames;
  }

  /**
   * Run the encoder and lay out the frames.
   *
   * @param indices of the phones, pads at both ends.
   * @param speaker the speaker vector; for an adapted one, behind it a shift of log durations, a gain of pitch, a shift of
   *     energy, and one of the condition.
   */
  EncodedClause encode(
      long[] indices, float[] speaker, Controls controls, PhoneClause clause, Cancellation cancellation) {
    int size = speakerSize > 0 ? speakerSize : speaker.length;
    int n = indices.length;
    Map<String, Tensor> feed = new HashMap<>();
    feed.put("phones", Tensor.of(indices, 1, n));
    feed.put("speaker", Tensor.part(speaker, 0, 1, size));
    Map<String, Tensor> outputs = cancellation.run(encoder, feed);
    Tensor hidden = GraphChecks.output(outputs, "hidden", ENCODER, 1, n, -1);
    float[] condition = finite(GraphChecks.output(outputs, "condition", ENCODER, 1, -1));
    float[] logDuration = finite(GraphChecks.output(outputs, "log_duration", ENCODER, 1, n));
    float[] pitch = finite(GraphChecks.output(outputs, "pitch", ENCODER, 1, n));
    float[] energy = finite(GraphChecks.output(outputs, "energy", ENCODER, 1, n));
    GraphChecks.finite(hidden.floats(), NOT_FINITE);
    boolean adapted = speaker.length > size;
    if (adapted && speaker.length - size != 3 + condition.length) {
      throw new ProfileException("the profile's adaptation is of another size; adapt it again");
    }
    float slower = adapted ? speaker[size] : 0f;
    float wider = (adapted ? speaker[size + 1] : 1f) * (float) controls.pitchRange;
    float louder = adapted ? speaker[size + 2] : 0f;
    Intonation.Accented accent = Intonation.accented(clause.accents, n);
    double semitone = Math.log(2.0) / 12.0 / pitchScale;
    float effort = (float) (EFFORT * (20.0 * Math.log10(controls.energy)) / ENERGY_STD_DB);
    int[] durations = new int[n];
    for (int i = 0; i < n; i++) {
      durations[i] = phoneFrames(logDuration[i] + slower + accent.logDuration[i], (float) controls.speed);
      pitch[i] = pitch[i] * wider + accent.semitones[i] * (float) semitone;
      energy[i] = energy[i] + louder + effort + accent.louderDb[i] / (float) ENERGY_STD_DB;
      if (adapted && i == 0) {
        for (int k = 0; k < condition.length; k++) {
          condition[k] += speaker[size + 3 + k];
        }
      }
    }
    return laidOut(hidden, pitch, energy, durations, condition, speaker[F0_INDEX], controls, clause, semitone);
  }

  /** Repeat each phone's features for its frames (the length regulator), and bend the melody to the tones. */
  private EncodedClause laidOut(
      Tensor hidden, float[] pitch, float[] energy, int[] durations, float[] condition, float logF0Mean,
      Controls controls, PhoneClause clause, double semitone) {
    int n = durations.length;
    int channels = hidden.size(2);
    int width = channels + 4;
    int[] ends = new int[n];
    int total = 0;
    for (int i = 0; i < n; i++) {
      total += durations[i];
      ends[i] = total;
    }
    float[] framePitch = new float[total];
    float[] frameEnergy = new float[total];
    float[] frames = new float[Math.multiplyExact(total, width)];
    FloatBuffer features = hidden.floats();
    int frame = 0;
    for (int i = 0; i < n; i++) {
      int first = frame * width;
      features.position(i * channels);
      features.get(frames, first, channels);
      float logLength = (float) Math.log(durations[i]);
      for (int k = 0; k < durations[i]; k++, frame++) {
        int at = frame * width;
        if (k > 0) {
          System.arraycopy(frames, first, frames, at, channels);
        }
        frames[at + channels + 2] = (float) ((k + 0.5) / durations[i]);
        frames[at + channels + 3] = logLength;
        framePitch[frame] = pitch[i];
        frameEnergy[frame] = energy[i];
      }
    }
    boolean[] voiced =
        Intonation.turn(
            framePitch, frameEnergy, clause.phones, ends, clause.tones, semitone, 1.0 / ENERGY_STD_DB,
            controls.pitchRange, labelDelayFrames);
    float higher = (float) (controls.pitchSemitones * semitone);
    for (int i = 0; i < total; i++) {
      frames[i * width + channels] = framePitch[i] + higher;
      frames[i * width + channels + 1] = frameEnergy[i];
    }
    return new EncodedClause(ends, frames, width, condition, logF0Mean, voiced);
  }

  /**
   * Decode the frames {@code first} to {@code last} into arrays of the whole clause.
   *
   * @param mel [frames · bands], normalized.
   * @param logF0 [frames], natural log of Hz.
   * @param voicing [frames], 0 or 1.
   * @throws BundleException the model gave numbers that aren't finite, or of another shape.
   */
  void decode(
      EncodedClause clause, int first, int last, float[] mel, float[] logF0, float[] voicing,
      Cancellation cancellation) {
    int low = Math.max(0, first - contextFrames);
    int high = Math.min(clause.length(), last + contextFrames);
    int n = high - low;
    Map<String, Tensor> feed = new HashMap<>();
    feed.put("frames", Tensor.part(clause.frames, low * clause.width, 1, n, clause.width));
    feed.put("condition", Tensor.wrap(clause.condition, 1, clause.condition.length));
    feed.put("log_f0_mean", Tensor.wrap(new float[] {clause.logF0Mean}, 1, 1));
    Map<String, Tensor> outputs = cancellation.run(decoder, feed);
    FloatBuffer mels = GraphChecks.output(outputs, "mel", DECODER, 1, n, bands).floats();
    FloatBuffer logF0s = GraphChecks.output(outputs, "log_f0", DECODER, 1, n).floats();
    FloatBuffer voicings = GraphChecks.output(outputs, "voicing", DECODER, 1, n).floats();
    mels.position((first - low) * bands);
    mels.get(mel, first * bands, (last - first) * bands);
    for (int i = first * bands; i < last * bands; i++) {
      if (!GraphChecks.isFinite(mel[i])) {
        throw new BundleException(NOT_FINITE);
      }
    }
    for (int i = first; i < last; i++) {
      float f0 = logF0s.get(i - low);
      if (!GraphChecks.isFinite(f0)) {
        throw new BundleException(NOT_FINITE);
      }
      logF0[i] = Math.max(MIN_LOG_F0, Math.min(MAX_LOG_F0, f0));
      // The vocoder was trained on frames that are either voiced or not.
      boolean voiced = voicings.get(i - low) > 0.5f || (clause.voiced != null && clause.voiced[i]);
      voicing[i] = voiced ? 1f : 0f;
    }
  }

  /** Whole frames of a phone, at least one. */
  private static int phoneFrames(float logDuration, float speed) {
    float held = Math.max(0f, Math.min(LOG_MAX_PHONE_FRAMES, logDuration));
    return (int) Math.max(Math.rint((float) Math.exp(held) / speed), 1.0);
  }

  private static float[] finite(Tensor tensor) {
    GraphChecks.finite(tensor.floats(), NOT_FINITE);
    return tensor.toFloats();
  }

  /** The graphs, to be closed with the voice. */
  List<Graph> graphs() {
    return Collections.unmodifiableList(Arrays.asList(encoder, decoder));
  }
}
