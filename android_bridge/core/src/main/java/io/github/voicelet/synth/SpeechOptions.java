package io.github.voicelet.synth;

import io.github.voicelet.ConfigException;
import io.github.voicelet.text.Reading;

/**
 * How a text is spoken, and by whom.  Immutable.
 *
 * <pre>{@code
 * SpeechOptions brisk = SpeechOptions.builder().speed(1.2).style(SpeechStyle.LIVELY).build();
 * }</pre>
 */
public final class SpeechOptions {
  /** Whether a text is SSML. */
  public enum Ssml {
    /** It is if it opens with {@code <speak>}. */
    AUTO,
    YES,
    NO
  }

  /** As the voice speaks by itself. */
  public static final SpeechOptions DEFAULT = builder().build();

  private final Builder set;
  private final Controls controls;

  private SpeechOptions(Builder builder) {
    set = new Builder(builder);
    controls = set.style.controls(set.speed, set.pitchSemitones, set.energy, set.seed);
    if (set.speaker != null && set.preset != null) {
      throw new ConfigException("give a speaker or a preset, not both");
    }
  }

  public static Builder builder() {
    return new Builder();
  }

  /** A builder that begins with these. */
  public Builder toBuilder() {
    return new Builder(set);
  }

  Controls controls() {
    return controls;
  }

  public double speed() {
    return set.speed;
  }

  public double pitchSemitones() {
    return set.pitchSemitones;
  }

  public double energy() {
    return set.energy;
  }

  public SpeechStyle style() {
    return set.style;
  }

  public long seed() {
    return set.seed;
  }

  /** BCP 47 tag of the text; null for the first language of the voice, "auto" to find it out sentence by sentence. */
  public String language() {
    return set.language;
  }

  public boolean strictLanguage() {
    return set.strictLanguage;
  }

  public Ssml ssml() {
    return set.ssml;
  }

  /** How the text is read to somebody who can't see it. */
  public Reading reading() {
    return set.reading;
  }

  /** What the speech is for; a profile's consent must cover it. */
  public String purpose() {
    return set.purpose;
  }

  /** An enrolled person; null for a preset. */
  Speaker speaker() {
    return set.speaker;
  }

  /** A voice of the bundle; null for the first, or for a speaker. */
  public String preset() {
    return set.preset;
  }

  /** Makes options; each method returns the builder. */
  public static final class Builder {
    private double speed = 1.0;
    private double pitchSemitones;
    private double energy = 1.0;
    private SpeechStyle style = SpeechStyle.NEUTRAL;
    private long seed;
    private String language;
    private boolean strictLanguage;
    private Ssml ssml = Ssml.AUTO;
    private Reading reading = Reading.PLAIN;
    private String purpose = "own-use";
    private Speaker speaker;
    private String preset;

    private Builder() {}

    private Builder(Builder other) {
      speed = other.speed;
      pitchSemitones = other.pitchSemitones;
      energy = other.energy;
      style = other.style;
      seed = other.seed;
      language = other.language;
      strictLanguage = other.strictLanguage;
      ssml = other.ssml;
      reading = other.reading;
      purpose = other.purpose;
      speaker = other.speaker;
      preset = other.preset;
    }

    /**
     * Factor of the speaking rate, 0.25 to 5; beyond 2 the finished speech is compressed in time, so that it can still be
     * understood.
     */
    public Builder speed(double factor) {
      speed = factor;
      return this;
    }

    /** Shift of f0, -24 to 24; the timbre stays. */
    public Builder pitchSemitones(double semitones) {
      pitchSemitones = semitones;
      return this;
    }

    /** Factor of the loudness, 0.1 to 4 (2 is 6 dB up). */
    public Builder energy(double factor) {
      energy = factor;
      return this;
    }

    /** The manner of speaking. */
    public Builder style(SpeechStyle manner) {
      style = present(manner, "style");
      return this;
    }

    /** Of the noise in the voice, 0 to 2^63 - 1; equal seeds give equal samples. */
    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /** BCP 47 tag of the text; null for the first language of the voice, "auto" to find it out sentence by sentence. */
    public Builder language(String tag) {
      language = tag;
      return this;
    }

    /** Refuse SSML that names a language which the voice doesn't speak; else it is read in the language of the text. */
    public Builder strictLanguage(boolean strict) {
      strictLanguage = strict;
      return this;
    }

    /** Whether the text is SSML. */
    public Builder ssml(Ssml how) {
      ssml = present(how, "ssml");
      return this;
    }

    /** How the text is read to somebody who can't see it. */
    public Builder reading(Reading how) {
      reading = present(how, "reading");
      return this;
    }

    /** "own-use", "assistive", "publishing", "research" or "federation"; a profile's consent must cover it. */
    public Builder purpose(String use) {
      purpose = present(use, "purpose");
      return this;
    }

    /**
     * Speak as an enrolled person; null for a preset.
     *
     * <p>Not for apps as long as Java has no profiles: whoever is spoken as must have agreed, and only a profile knows of that.
     */
    Builder speaker(Speaker person) {
      speaker = person;
      return this;
    }

    /** Speak as a voice of the bundle; null for the first. */
    public Builder preset(String name) {
      preset = name;
      return this;
    }

    /**
     * The options.
     *
     * @throws ConfigException a number is out of its range, or both a speaker and a preset are given.
     */
    public SpeechOptions build() {
      return new SpeechOptions(this);
    }

    private static <T> T present(T value, String name) {
      if (value == null) {
        throw new ConfigException(name + " can't be null; leave it out for what is usual");
      }
      return value;
    }
  }
}
