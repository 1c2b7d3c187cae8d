package io.github.voicelet.engine;

import java.util.List;

/** Which voices there are at this moment, and how to get one that speaks. */
public interface VoiceShelf {
  /**
   * The voices that can be spoken with now, the preferred one of each language first.
   *
   * <p>Before the first unlock after a start of the device these are the presets; people's own voices join them later. Quick: it is called on
   * every request and from any thread.
   */
  List<EngineVoice> voices();

  /**
   * Get a voice ready to speak; one that was opened before is at hand.
   *
   * @throws io.github.voicelet.VoiceletException it can't be opened: locked, revoked, damaged.
   */
  SpeakingVoice open(EngineVoice voice);
}
