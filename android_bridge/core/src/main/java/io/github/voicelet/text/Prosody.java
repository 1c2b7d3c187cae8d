package io.github.voicelet.text;

/** Factors for a whole clause, from SSML. */
public final class Prosody {
  /** Leaves the voice as it is. */
  public static final Prosody PLAIN = new Prosody(1.0, 0.0, 1.0);

  /** Factor of the speaking rate; above 1 is faster. */
  public final double speed;

  /** Shift of f0, in semitones. */
  public final double pitchSemitones;

  /** Factor of the loudness. */
  public final double energy;

  /** See the fields. */
  public Prosody(double speed, double pitchSemitones, double energy) {
    this.speed = speed;
    this.pitchSemitones = pitchSemitones;
    this.energy = energy;
  }

  @Override
  public boolean equals(Object other) {
    if (!(other instanceof Prosody)) {
      return false;
    }
    Prosody that = (Prosody) other;
    return speed == that.speed && pitchSemitones == that.pitchSemitones && energy == that.energy;
  }

  @Override
  public int hashCode() {
    return (Double.valueOf(speed).hashCode() * 31 + Double.valueOf(pitchSemitones).hashCode()) * 31
        + Double.valueOf(energy).hashCode();
  }
}
