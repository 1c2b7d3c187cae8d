package io.github.voicelet.engine;

import java.util.List;

/** Which language is spoken, and how well what an app asks for is met. */
public final class Languages {
  /** The language and the country are spoken. */
  public static final int COUNTRY_AVAILABLE = 1;

  /** The language is spoken, as another country speaks it. */
  public static final int AVAILABLE = 0;

  /** It isn't spoken. */
  public static final int NOT_SUPPORTED = -2;

  private Languages() {}

  /** How well a language is met: one of the constants, with Android's values. */
  static int availability(List<EngineVoice> voices, String language, String country) {
    int best = NOT_SUPPORTED;
    for (EngineVoice voice : voices) {
      if (voice.speaks(language)) {
        best = Math.max(best, voice.isOf(country) ? COUNTRY_AVAILABLE : AVAILABLE);
      }
    }
    return best;
  }

  /** The voice for a language: the first of the same country, else the first that speaks it, else null. */
  static EngineVoice choose(List<EngineVoice> voices, String language, String country) {
    EngineVoice any = null;
    for (EngineVoice voice : voices) {
      if (!voice.speaks(language)) {
        continue;
      }
      if (voice.isOf(country)) {
        return voice;
      }
      any = any == null ? voice : any;
    }
    return any;
  }

  static EngineVoice named(List<EngineVoice> voices, String name) {
    for (EngineVoice voice : voices) {
      if (voice.name().equals(name)) {
        return voice;
      }
    }
    return null;
  }
}
