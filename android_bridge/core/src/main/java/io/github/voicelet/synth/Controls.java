package io.github.voicelet.synth;

import io.github.voicelet.ConfigException;

/** How to speak a clause: the caller's wishes, the style and the clause's own prosody together. */
final class Controls {
  private static final double[] SPEED = {0.25, 5.0};
  private static final double[] PITCH_SEMITONES = {-24.0, 24.0};
  private static final double[] ENERGY = {0.1, 4.0};
  private static final double[] PITCH_RANGE = {0.0, 3.0};

  /** Factor of the speaking rate, 0.25 to 5. */
  final double speed;
  /** Shift of f0, -24 to 24. */
  final double pitchSemitones;
  /** Factor of the loudness, 0.1 to 4. */
  final double energy;
  /** Of the noise in the voice; equal seeds give equal samples. */
  final long seed;
  /** Factor of how far the pitch moves about the person's mean, 0 to 3. */
  final double pitchRange;
  /** Without voice. */
  final boolean whisper;

  /**
   * Controls.
   *
   * @throws ConfigException a number is out of its range.
   */
  Controls(double speed, double pitchSemitones, double energy, long seed, double pitchRange, boolean whisper) {
    this.speed = check("speed", speed, SPEED);
    this.pitchSemitones = check("pitchSemitones", pitchSemitones, PITCH_SEMITONES);
    this.energy = check("energy", energy, ENERGY);
    this.pitchRange = check("pitchRange", pitchRange, PITCH_RANGE);
    if (seed < 0) {
      throw new ConfigException("seed must lie between 0 and " + Long.MAX_VALUE + ", not " + seed);
    }
    this.seed = seed;
    this.whisper = whisper;
  }

  private static double check(String name, double value, double[] range) {
    if (!(value >= range[0] && value <= range[1])) { // NaN is refused here, too
      throw new ConfigException(name + " must lie between " + range[0] + " and " + range[1] + ", not " + value);
    }
    return value;
  }

  /** These, changed by the prosody of a clause and brought back into range. */
  Controls times(double bySpeed, double bySemitones, double byEnergy) {
    return new Controls(
        within(speed * bySpeed, SPEED),
        within(pitchSemitones + bySemitones, PITCH_SEMITONES),
        within(energy * byEnergy, ENERGY),
        seed,
        pitchRange,
        whisper);
  }

  Controls withSpeed(double other) {
    return new Controls(other, pitchSemitones, energy, seed, pitchRange, whisper);
  }

  Controls withPitchRange(double other) {
    return new Controls(speed, pitchSemitones, energy, seed, other, whisper);
  }

  private static double within(double value, double[] range) {
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      return 0.5 * (range[0] + range[1]);
    }
    return Math.min(Math.max(value, range[0]), range[1]);
  }
}
