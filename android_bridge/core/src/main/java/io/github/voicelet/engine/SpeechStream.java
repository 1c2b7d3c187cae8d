package io.github.voicelet.engine;

/** Speech of one request, stretch by stretch. */
public interface SpeechStream extends AutoCloseable {
  /**
   * The next stretch, or null at the end.
   *
   * @throws io.github.voicelet.CancelledSpeechException {@link #cancel} was called.
   * @throws io.github.voicelet.VoiceletException the rest can't be spoken.
   */
  SpeechStretch next();

  /** End it, from any thread: {@link #next} returns soon. */
  void cancel();

  @Override
  void close();
}
