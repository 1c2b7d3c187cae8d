package io.github.voicelet.engine;

import io.github.voicelet.synth.AudioChunk;
import io.github.voicelet.synth.SpeechOptions;
import io.github.voicelet.synth.Voice;
import io.github.voicelet.synth.WordTiming;
import java.util.List;

/** A voice of a bundle, as one of its presets or as an enrolled person, that speaks for the phone. */
public final class BundleVoice implements SpeakingVoice {
  private final Voice voice;
  private final SpeechOptions options;

  /**
   * @param voice stays open as long as this is used; several may share it.
   * @param options who speaks, and how; a request's own speed and pitch take their place.
   */
  public BundleVoice(Voice voice, SpeechOptions options) {
    this.voice = voice;
    this.options = options;
  }

  @Override
  public int sampleRateHz() {
    return voice.sampleRateHz();
  }

  @Override
  public SpeechStream speak(SpeechRequest request) {
    SpeechOptions asked =
        options.toBuilder().speed(request.speed()).pitchSemitones(request.pitchSemitones()).build();
    io.github.voicelet.synth.SpeechStream chunks = voice.stream(request.text(), asked);
    return new SpeechStream() {
      @Override
      public SpeechStretch next() {
        return chunks.hasNext() ? stretch(chunks.next()) : null;
      }

      @Override
      public void cancel() {
        chunks.cancel();
      }

      @Override
      public void close() {
        chunks.cancel();
      }
    };
  }

  private static SpeechStretch stretch(AudioChunk chunk) {
    List<WordTiming> words = chunk.words();
    int[] numbers = new int[3 * words.size()];
    for (int i = 0; i < words.size(); i++) {
      WordTiming word = words.get(i);
      long sample = Math.round((word.startS() - chunk.startS()) * chunk.sampleRateHz());
      // A word may begin a little before its chunk, or with the silence behind it.
      numbers[3 * i] = (int) Math.max(0, Math.min(sample, chunk.samples().length));
      numbers[3 * i + 1] = word.start();
      numbers[3 * i + 2] = word.end();
    }
    return new SpeechStretch(chunk.samples(), numbers);
  }
}
