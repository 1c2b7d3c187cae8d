package io.github.voicelet.synth;

/**
 * A manner of speaking, made of the controls that every voice has.
 *
 * <p>They shape what the acoustic model predicts; none was trained, so they work for every person.
 */
public enum SpeechStyle {
  NEUTRAL(1.0, 0.0, 1.0, 1.0, false),
  CALM(0.92, -0.5, 0.9, 0.7, false),
  LIVELY(1.06, 0.5, 1.1, 1.45, false),
  /** Without voice, by the noise source alone. */
  WHISPER(0.92, 0.0, 0.7, 0.8, true);

  private final double speed;
  private final double pitchSemitones;
  private final double energy;
  private final double pitchRange;
  private final boolean whisper;

  SpeechStyle(double speed, double pitchSemitones, double energy, double pitchRange, boolean whisper) {
    this.speed = speed;
    this.pitchSemitones = pitchSemitones;
    this.energy = energy;
    this.pitchRange = pitchRange;
    this.whisper = whisper;
  }

  /** The caller's controls in this style. */
  Controls controls(double bySpeed, double bySemitones, double byEnergy, long seed) {
    return new Controls(bySpeed, bySemitones, byEnergy, seed, pitchRange, whisper).times(speed, pitchSemitones, energy);
  }
}
