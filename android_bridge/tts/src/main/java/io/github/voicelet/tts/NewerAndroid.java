package io.github.voicelet.tts;

import android.speech.tts.SynthesisCallback;

/** Calls that the oldest Android lacks; whoever calls them has asked for the version first. */
final class NewerAndroid {
  private NewerAndroid() {}

  @SinceApi(26)
  static void rangeStart(SynthesisCallback callback, int frame, int start, int end) {
    callback.rangeStart(frame, start, end);
  }
}
