package io.github.voicelet.profiles;

import io.github.voicelet.ConsentException;
import io.github.voicelet.ProfileException;
import java.util.Arrays;

/** A voice, ready to speak with: what enrolment keeps of a person. It doesn't change, and its text shows nothing of the voice. */
public final class Profile {
  /** Numbers of a d-vector. */
  public static final int D_VECTOR_SIZE = 256;

  /** The one speaker encoder whose d-vectors can be compared here; every quantization counts as the same. */
  public static final String KNOWN_ENCODER = "ge2e-resemblyzer-1";

  static final int MAX_BANDS = 512;
  static final String REMEDY = "; enrol the voice again, or restore the file from a backup";

  private static final double UNIT_TOLERANCE = 1e-2;

  private final String name;
  private final String created;
  private final float[] dVector;
  private final float logF0Mean;
  private final float logF0Std;
  private final float[] ltas;
  private final String encoderId;
  private final double speechS;
  private final QualitySummary quality;
  private final String appVersion;
  private final StoredConsent consent;
  private final Adaptation adaptation;

  Profile(ProfileBuilder from) {
    name = ProfileNames.check(from.name);
    created = from.created;
    dVector = from.dVector.clone();
    logF0Mean = from.logF0Mean;
    logF0Std = from.logF0Std;
    ltas = from.ltas.clone();
    encoderId = from.encoderId;
    speechS = from.speechS;
    quality = from.quality;
    appVersion = from.appVersion;
    consent = from.consent;
    adaptation = from.adaptation;
    if (!Fields.isUnicode(created) || !Fields.isUnicode(encoderId) || !Fields.isUnicode(appVersion)) {
      throw new ProfileException("the texts of a profile must be Unicode" + REMEDY);
    }
    checkNumbers();
    if (consent != null && !consent.voiceSha256().equals(boundSha256())) {
      boolean isOfVoiceprint = consent.coversVoiceprintOnly() || adaptation == null;
      throw new ConsentException(
          "the consent record in the profile "
              + ProfileNames.quoted(name)
              + (isOfVoiceprint
                  ? " is another voice's; ask for consent to this one"
                  : " doesn't cover how the voice was adapted; adapt it again, which renews the record"));
    }
  }

  private void checkNumbers() {
    if (!(speechS >= 0) || Double.isInfinite(speechS)) {
      throw new ProfileException("the seconds of speech of a profile must be a positive number" + REMEDY);
    }
    double square = 0;
    for (float value : dVector) {
      square += (double) value * value;
    }
    if (dVector.length != D_VECTOR_SIZE || !isFinite(dVector)) {
      throw new ProfileException("the d-vector of a profile must be " + D_VECTOR_SIZE + " finite numbers" + REMEDY);
    }
    if (Math.abs(Math.sqrt(square) - 1) > UNIT_TOLERANCE) {
      throw new ProfileException("the d-vector of a profile must have unit length" + REMEDY);
    }
    if (ltas.length == 0 || ltas.length > MAX_BANDS || !isFinite(ltas)) {
      throw new ProfileException("the long-term spectrum of a profile must be finite numbers" + REMEDY);
    }
    if (!(logF0Mean > 3 && logF0Mean < 7.5 && logF0Std >= 0 && logF0Std < 2)) {
      throw new ProfileException("the pitch of a profile is out of range" + REMEDY);
    }
  }

  private static boolean isFinite(float[] values) {
    for (float value : values) {
      if (Float.isNaN(value) || Float.isInfinite(value)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Read the contents of a profile's file.
   *
   * @throws ProfileException it isn't a profile, is cut short, changed or from a newer voicelet; or its consent record is
   *     missing, damaged or another voice's. (Its signature is {@link #checkRecord}'s matter.)
   */
  public static Profile fromBytes(byte[] data) {
    return ProfileFormat.read(data);
  }

  /** The contents of a profile's file; of version 1 if it has no consent record. */
  public byte[] toBytes() {
    return ProfileFormat.write(this);
  }

  /** A builder with all that this profile has. */
  public ProfileBuilder toBuilder() {
    return new ProfileBuilder(this);
  }

  /**
   * The consent record, if there is one and it is genuine; it may have ended.
   *
   * @throws ConsentException there is none, it was changed, or it is another voice's.
   */
  public StoredConsent checkRecord() {
    if (consent == null) {
      throw new ConsentException(
          "the profile "
              + ProfileNames.quoted(name)
              + " has no consent record (it was made before there were any); ask its owner for one");
    }
    consent.verify(boundSha256());
    return consent;
  }

  /**
   * Check that the d-vector is one that can be compared with others'; else nobody could tell whose voice it is.
   *
   * @throws ProfileException an unknown speaker encoder made it.
   */
  public void checkEncoder() {
    if (!KNOWN_ENCODER.equals(encoderId)) {
      throw new ProfileException(
          "the profile "
              + ProfileNames.quoted(name)
              + " was made by a speaker encoder that this voicelet doesn't know, so nobody can tell whose voice it is; enrol"
              + " the voice again, or update voicelet");
    }
  }

  /** Hash of all that shapes the voice, 64 hexadecimal digits. */
  public String voiceSha256() {
    return VoiceHash.shaping(this);
  }

  /** Hash of the voiceprint alone, to which records of version 1 are bound. */
  public String voiceprintSha256() {
    return VoiceHash.voiceprint(this);
  }

  /** What its consent record has to be bound to. */
  public String boundSha256() {
    return consent != null && consent.coversVoiceprintOnly() ? voiceprintSha256() : voiceSha256();
  }

  /** What the user calls it, in Unicode's composed form. */
  public String name() {
    return name;
  }

  /** Time of enrolment, ISO 8601 in UTC. */
  public String created() {
    return created;
  }

  /** Float [256] of unit length. */
  public float[] dVector() {
    return dVector.clone();
  }

  /** Mean of the natural log of the pitch in Hz, over voiced frames. */
  public float logF0Mean() {
    return logF0Mean;
  }

  /** Its standard deviation. */
  public float logF0Std() {
    return logF0Std;
  }

  /** Long-term mean of the log mel spectrum, [bands]. */
  public float[] ltas() {
    return ltas.clone();
  }

  /** Which speaker encoder made the d-vector. */
  public String encoderId() {
    return encoderId;
  }

  /** Seconds of speech it was made from. */
  public double speechS() {
    return speechS;
  }

  /** Figures of the recording. */
  public QualitySummary quality() {
    return quality;
  }

  /** The version of voicelet that made it. */
  public String appVersion() {
    return appVersion;
  }

  /** Its owner's consent; null only for files of version 1, which can't speak. */
  public StoredConsent consent() {
    return consent;
  }

  /** What was learnt of the person later; null for nothing. */
  public Adaptation adaptation() {
    return adaptation;
  }

  /** The adaptation, if the consent record covers it: records of version 1 cover none. */
  public Adaptation agreedAdaptation() {
    return consent == null || consent.coversVoiceprintOnly() ? null : adaptation;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Profile && Arrays.equals(toBytes(), ((Profile) other).toBytes());
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(toBytes());
  }

  @Override
  public String toString() {
    return "Profile(" + ProfileNames.quoted(name) + ")";
  }
}
