package io.github.voicelet.engine;

/** Where the engine reports what went wrong. Messages hold no text that was spoken. */
public interface EngineLog {
  void warning(String message, Throwable cause);
}
