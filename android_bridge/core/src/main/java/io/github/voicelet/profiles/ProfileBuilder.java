package io.github.voicelet.profiles;

import io.github.voicelet.ProfileException;

/** Puts a {@link Profile} together; everything but the consent and the adaptation is needed. */
public final class ProfileBuilder {
  String name;
  String created;
  float[] dVector;
  float logF0Mean;
  float logF0Std;
  float[] ltas;
  String encoderId;
  double speechS;
  QualitySummary quality;
  String appVersion;
  StoredConsent consent;
  Adaptation adaptation;

  /** Of nothing yet. */
  public ProfileBuilder() {}

  ProfileBuilder(Profile from) {
    name = from.name();
    created = from.created();
    dVector = from.dVector();
    logF0Mean = from.logF0Mean();
    logF0Std = from.logF0Std();
    ltas = from.ltas();
    encoderId = from.encoderId();
    speechS = from.speechS();
    quality = from.quality();
    appVersion = from.appVersion();
    consent = from.consent();
    adaptation = from.adaptation();
  }

  /** What the user calls it. */
  public ProfileBuilder name(String value) {
    name = value;
    return this;
  }

  /** Time of enrolment, ISO 8601 in UTC. */
  public ProfileBuilder created(String value) {
    created = value;
    return this;
  }

  /**
   * Whose voice it is.
   *
   * @param values float [256] of unit length.
   * @param encoder that made it.
   */
  public ProfileBuilder dVector(float[] values, String encoder) {
    dVector = values;
    encoderId = encoder;
    return this;
  }

  /**
   * Pitch and spectrum.
   *
   * @param mean of the natural log of the pitch in Hz; 3..7.5.
   * @param deviation of the same; 0..2.
   * @param spectrum long-term mean of the log mel spectrum, [bands].
   */
  public ProfileBuilder statistics(float mean, float deviation, float[] spectrum) {
    logF0Mean = mean;
    logF0Std = deviation;
    ltas = spectrum;
    return this;
  }

  /** Seconds of speech it was made from, and figures of the recording. */
  public ProfileBuilder recording(double seconds, QualitySummary figures) {
    speechS = seconds;
    quality = figures;
    return this;
  }

  /** The version of voicelet that makes it. */
  public ProfileBuilder appVersion(String value) {
    appVersion = value;
    return this;
  }

  /** Its owner's consent, or null. */
  public ProfileBuilder consent(StoredConsent value) {
    consent = value;
    return this;
  }

  /** What was learnt of the person, or null. */
  public ProfileBuilder adaptation(Adaptation value) {
    adaptation = value;
    return this;
  }

  /**
   * The profile.
   *
   * @throws ProfileException a value is missing or impossible.
   * @throws io.github.voicelet.ConsentException the consent record is another voice's.
   */
  public Profile build() {
    Object[] needed = {name, created, dVector, ltas, encoderId, quality, appVersion};
    for (Object value : needed) {
      if (value == null) {
        throw new ProfileException("a profile needs a name, times, a d-vector, statistics, figures and a version");
      }
    }
    return new Profile(this);
  }
}
