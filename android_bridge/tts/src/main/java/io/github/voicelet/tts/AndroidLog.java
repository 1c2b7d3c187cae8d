package io.github.voicelet.tts;

import android.util.Log;
import io.github.voicelet.engine.EngineLog;

/** The engine's warnings in the device's log. */
final class AndroidLog implements EngineLog {
  @Override
  public void warning(String message, Throwable cause) {
    Log.w("voicelet", message, cause);
  }
}
