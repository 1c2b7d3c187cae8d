package io.github.voicelet.engine;

/** A voice that is ready to speak. */
public interface SpeakingVoice {
  /** Samples a second of all that it speaks. */
  int sampleRateHz();

  /**
   * Begin to speak; nothing is computed before the first {@link SpeechStream#next}.
   *
   * @throws io.github.voicelet.VoiceletException it may not or cannot speak this.
   */
  SpeechStream speak(SpeechRequest request);
}
