package io.github.voicelet.synth;

import io.github.voicelet.signal.FastMath;
import io.github.voicelet.signal.FloatQueue;
import io.github.voicelet.signal.Philox;
import io.github.voicelet.signal.RealFft;
import io.github.voicelet.trust.watermark.FrameGains;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * Makes the samples of one clause, in order; holds what reaches over from stretch to stretch.
 *
 * <p>The vocoder graph predicts the filters of two sources; here they are applied in the STFT domain and overlap-added (Vocos,
 * Siuzdak 2023, with the source-filter idea of HiFT-Net, Li et al. 2023).  What a graph with targets gave is corrected once.
 */
final class ClauseVocoder {
  private static final float LOWEST_LOG_GAIN = -14f; // filters are held in this range, as in training
  private static final float HIGHEST_LOG_GAIN = 6f;
  private static final float UNHEARD = -3.5f; // harmonics that lie 30 dB below the noise in every bin
  private static final int BATCH_FRAMES = 64; // over which voicing is widened where the graph names none

  private final Vocoder vocoder;
  private final SynthesisWindow window;
  private final Correction correction;
  private final FrameGains mark; // null where the correction puts it on, or something later
  private final boolean whisper;
  private final float[] mel;
  private final float[] logF0;
  private final float[] voicing;
  private final int from;
  private final float[] pulses;
  private final int pulsesFrom;
  private final Excitation source;
  private final RealFft fft;
  private final OverlapAdd out;
  private final FloatQueue harmonic; // sources from the next frame's start on
  private final FloatQueue noise;
  private final float[] tilt;
  private int length;
  private int done; // frames filtered so far
  private int drawn = -1; // first block of the sources that isn't drawn yet

  private final float[] re;
  private final float[] im;
  private final float[] voiceRe;
  private final float[] voiceIm;
  private final float[] logHarmonic;
  private final float[] logNoise;
  private final float[] phase;
  private final float[] gain;
  private final float[] frame;
  private final boolean[] sounding = new boolean[BATCH_FRAMES];

  /**
   * For a clause.
   *
   * @param mel [frames · bands] of the clause and what was cut before it; the caller fills it ahead of {@link #advance}.
   * @param from frame of these arrays that the clause begins with.
   * @param random of this clause.
   * @param mark null where it is put on later.
   * @param whisper give the harmonics' part to the noise.
   * @param share of the correction, 0 to 1.
   */
  ClauseVocoder(
      Vocoder vocoder, float[] mel, float[] logF0, float[] voicing, int from, Philox random, FrameGains mark,
      boolean whisper, float share) {
    this.vocoder = vocoder;
    this.window = vocoder.window;
    this.whisper = whisper;
    this.mel = mel;
    this.logF0 = logF0;
    this.voicing = voicing;
    this.from = from;
    length = voicing.length - from;
    fft = new RealFft(window.size);
    // A whisper lacks the low frequencies that a correction would give back.
    boolean corrects = vocoder.bands != null && !whisper;
    correction = corrects ? new Correction(vocoder.bands, window, fft, mark, share) : null;
    this.mark = corrects ? null : mark;
    if (vocoder.continuous) {
      // Pulses are drawn where they will be heard, as far as that is known.
      pulses = new float[length];
      Arrays.fill(pulses, 1f);
      pulsesFrom = 0;
    } else {
      pulses = voicing;
      pulsesFrom = from;
    }
    source = new Excitation(vocoder.hop, vocoder.rateHz, window.size, random);
    out = new OverlapAdd(window);
    harmonic = new FloatQueue(BATCH_FRAMES * vocoder.hop + 2 * window.size);
    noise = new FloatQueue(BATCH_FRAMES * vocoder.hop + 2 * window.size);
    harmonic.addZeros(window.side);
    noise.addZeros(window.side);
    int bins = vocoder.bins;
    tilt = whisper ? whisperTilt(bins, vocoder.rateHz) : null;
    re = new float[bins];
    im = new float[bins];
    voiceRe = new float[bins];
    voiceIm = new float[bins];
    logHarmonic = new float[bins];
    logNoise = new float[bins];
    phase = new float[bins];
    gain = new float[bins];
    frame = new float[window.size];
  }

  /** How far past a frame the mels must be filled before it can be filtered. */
  int lookaheadFrames() {
    return Math.max(vocoder.contextFrames, window.overlap / 2 + 2);
  }

  /** Frames that must be filtered past the last sample wanted. */
  int delayFrames() {
    return window.delayFrames() + (correction != null ? Correction.delayFrames(window) : 0);
  }

  /** End the clause after so many frames, none of which lies behind what was looked at. */
  void endAt(int frames) {
    length = Math.min(length, frames);
  }

  /** Filter the frames up to {@code last}; what samples are now final go out. */
  void advance(int last, FloatQueue samples, Cancellation cancellation) {
    if (last == done) {
      return;
    }
    int first = done;
    Vocoder.Filters filters =
        vocoder.filters(mel, logF0, voicing, from, length, first, last, cancellation);
    FloatQueue made = samples;
    if (correction != null) {
      made = correction.wave();
      int count = (last - first) * vocoder.mels;
      FloatQueue targets = correction.targets();
      int at = targets.grow(count);
      filters.target.get(targets.array(), at, count);
    }
    for (int start = first; start < last; start += BATCH_FRAMES) {
      int count = Math.min(BATCH_FRAMES, last - start);
      cancellation.check();
      batch(filters, start - first, count, made);
      if (correction != null) {
        correction.advance(samples);
      }
    }
    if (last == length) {
      out.end(made);
      if (correction != null) {
        correction.end(samples);
      }
    }
  }

  private void batch(Vocoder.Filters filters, int offset, int count, FloatQueue made) {
    if (vocoder.continuous) {
      hear(filters, offset, count);
    }
    draw(done + count);
    for (int i = 0; i < count; i++) {
      int row = (offset + i) * vocoder.bins;
      read(filters.logHarmonic, row, logHarmonic);
      read(filters.logNoise, row, logNoise);
      if (whisper) {
        whisper();
      }
      fft.forward(noise.array(), noise.start(), window.analysis, re, im);
      FastMath.exp(logNoise, LOWEST_LOG_GAIN, HIGHEST_LOG_GAIN, gain);
      for (int k = 0; k < re.length; k++) {
        re[k] *= gain[k];
        im[k] *= gain[k];
      }
      // Frames without voice, a third of speech, need no harmonic part.
      if (!whisper && (!vocoder.continuous || sounding[i]) && pulsed()) {
        addVoice(filters.phase, row);
      }
      if (mark != null) {
        float[] gains = mark.of(done);
        for (int k = 0; k < re.length; k++) {
          re[k] *= gains[k];
          im[k] *= gains[k];
        }
      }
      done++;
      harmonic.drop(vocoder.hop);
      noise.drop(vocoder.hop);
      fft.inverse(re, im, window.synthesis, frame);
      out.add(frame, made);
    }
  }

  private void addVoice(FloatBuffer phases, int row) {
    fft.forward(harmonic.array(), harmonic.start(), window.analysis, voiceRe, voiceIm);
    FastMath.exp(logHarmonic, LOWEST_LOG_GAIN, HIGHEST_LOG_GAIN, gain);
    if (phases == null) {
      for (int k = 0; k < re.length; k++) {
        re[k] += voiceRe[k] * gain[k];
        im[k] += voiceIm[k] * gain[k];
      }
      return;
    }
    read(phases, row, phase);
    FastMath.polar(gain, phase, gain, phase);
    for (int k = 0; k < re.length; k++) {
      re[k] += voiceRe[k] * gain[k] - voiceIm[k] * phase[k];
      im[k] += voiceRe[k] * phase[k] + voiceIm[k] * gain[k];
    }
  }

  private static void read(FloatBuffer values, int offset, float[] row) {
    values.position(offset);
    values.get(row);
  }

  /** Whether there is a pulse in the next frame's window. */
  private boolean pulsed() {
    float[] samples = harmonic.array();
    int start = harmonic.start();
    for (int i = start; i < start + window.size; i++) {
      if (samples[i] != 0f) {
        return true;
      }
    }
    return false;
  }

  /** Which frames of a batch have harmonics that are heard, and where pulses are drawn for them. */
  private void hear(Vocoder.Filters filters, int offset, int count) {
    for (int i = 0; i < count; i++) {
      int row = (offset + i) * vocoder.bins;
      float best = Float.NEGATIVE_INFINITY;
      for (int k = row; k < row + vocoder.bins; k++) {
        best = Math.max(best, filters.logHarmonic.get(k) - filters.logNoise.get(k));
      }
      sounding[i] = best > UNHEARD;
    }
    int reach = window.overlap + 1;
    for (int i = 0; i < count; i++) {
      boolean near = false;
      for (int k = Math.max(0, i - reach); k <= Math.min(count - 1, i + reach); k++) {
        near |= sounding[k];
      }
      pulses[done + i] = near ? 1f : 0f;
    }
  }

  /** Draw the sources as far as the frames before {@code until} reach. */
  private void draw(int until) {
    // Block i lies between the centres of frames i and i + 1; the first and the last are halves.
    int last = Math.min(length, until + window.overlap / 2);
    int half = vocoder.hop / 2;
    if (drawn >= last) {
      return;
    }
    for (; drawn < last; drawn++) {
      int here = Math.max(0, drawn);
      int next = Math.min(length - 1, drawn + 1);
      int skip = drawn < 0 ? half : 0;
      int count = vocoder.hop - skip - (drawn == length - 1 ? half : 0);
      source.harmonic(
          logF0[from + here], logF0[from + next], pulses[pulsesFrom + here], pulses[pulsesFrom + next], skip, count,
          harmonic);
      source.noise(skip, count, noise);
    }
    if (last == length) {
      harmonic.addZeros(window.side);
      noise.addZeros(window.side);
    }
  }

  /**
   * The noise filter of a whisper: the harmonic filter is applied to noise.
   *
   * <p>Whispering has no glottal pulses; their steep spectrum is missing, so low frequencies are weak (Jovicic and Saric 2008
   * measure some 20 dB less below 1.5 kHz for vowels, consonants as they are).
   */
  private void whisper() {
    for (int k = 0; k < logNoise.length; k++) {
      double a = logHarmonic[k] + tilt[k];
      double b = logNoise[k];
      logNoise[k] = (float) (Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b))));
    }
  }

  private static float[] whisperTilt(int bins, int rateHz) {
    float[] tilt = new float[bins];
    for (int k = 0; k < bins; k++) {
      double hz = k * (rateHz / 2.0) / (bins - 1);
      // From 16 dB down at 0 Hz to nothing at 3 kHz; the noise itself keeps its level.
      double down = -Math.log(10.0) / 20.0 * 16.0 * Math.max(0.0, Math.min(1.0, 1.0 - hz / 3000.0));
      tilt[k] = (float) (down - 0.7);
    }
    return tilt;
  }
}
