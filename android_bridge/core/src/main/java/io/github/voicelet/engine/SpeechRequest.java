package io.github.voicelet.engine;

/** What an app asks of the engine: Android's {@code SynthesisRequest} in plain values. */
public final class SpeechRequest {
  private static final double MIN_SPEED = 0.25;
  private static final double MAX_SPEED = 5.0;
  private static final double MAX_SEMITONES = 24.0;

  private final String text;
  private final String voiceName;
  private final String language;
  private final String country;
  private final int ratePercent;
  private final int pitchPercent;

  /**
   * @param text at most 3,999 UTF-16 units, as Android has it.
   * @param voiceName of {@link EngineVoice#name}; empty or null where the app chose a language only.
   * @param language ISO 639-2 ("eng") or 639-1 ("en"); may be empty.
   * @param country ISO 3166 alpha-3 ("USA") or alpha-2; may be empty.
   * @param ratePercent 100 is normal.
   * @param pitchPercent 100 is normal.
   */
  public SpeechRequest(
      String text, String voiceName, String language, String country, int ratePercent, int pitchPercent) {
    this.text = text == null ? "" : text;
    this.voiceName = voiceName == null ? "" : voiceName;
    this.language = language == null ? "" : language;
    this.country = country == null ? "" : country;
    this.ratePercent = ratePercent;
    this.pitchPercent = pitchPercent;
  }

  public String text() {
    return text;
  }

  public String voiceName() {
    return voiceName;
  }

  public String language() {
    return language;
  }

  public String country() {
    return country;
  }

  /** Factor of the speaking rate, 0.25 to 5. Apps send what they like; the nearest that can be spoken is taken. */
  public double speed() {
    return Math.min(Math.max(ratePercent / 100.0, MIN_SPEED), MAX_SPEED);
  }

  /** Shift of the pitch, -24 to 24 semitones. */
  public double pitchSemitones() {
    if (pitchPercent <= 0) {
      return -MAX_SEMITONES;
    }
    double semitones = 12 * Math.log(pitchPercent / 100.0) / Math.log(2);
    return Math.min(Math.max(semitones, -MAX_SEMITONES), MAX_SEMITONES);
  }
}
