package io.github.voicelet.profiles;

import io.github.voicelet.ConsentException;
import io.github.voicelet.ProfileException;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.json.JsonWriter;
import io.github.voicelet.trust.keys.Hex;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The file of a profile.
 *
 * <pre>
 * "VCLP" · version uint16 · flags uint16 · header length uint32 · body length uint32
 * header (UTF-8 JSON) · body · SHA-256 of everything before it
 * </pre>
 *
 * <p>in little-endian order. The body is float32: d-vector [256], mean and deviation of log f0, spectrum [bands]; then the
 * adaptation's condition with 16 bits a number, padded to four bytes. Readers skip header keys they don't know.
 */
final class ProfileFormat {
  static final byte[] MAGIC = "VCLP".getBytes(StandardCharsets.US_ASCII);
  static final int MAX_BYTES = 1 << 20;

  private static final int VERSION = 2;
  private static final int WITHOUT_CONSENT = 1;
  private static final int PREFIX_BYTES = 16;
  private static final int DIGEST_BYTES = 32;
  private static final int F0_SIZE = 2;

  private ProfileFormat() {}

  /** Whether this claims to be a profile that isn't encrypted. */
  static boolean isPlain(byte[] data) {
    return data.length >= MAGIC.length && Arrays.equals(Arrays.copyOf(data, MAGIC.length), MAGIC);
  }

  static byte[] voiceprint(Profile profile) {
    float[] ltas = profile.ltas();
    ByteBuffer body =
        ByteBuffer.allocate(4 * (Profile.D_VECTOR_SIZE + F0_SIZE + ltas.length)).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : profile.dVector()) {
      body.putFloat(value);
    }
    body.putFloat(profile.logF0Mean()).putFloat(profile.logF0Std());
    for (float value : ltas) {
      body.putFloat(value);
    }
    return body.array();
  }

  static byte[] write(Profile profile) {
    Map<String, Object> sizes = new LinkedHashMap<>();
    sizes.put("d_vector", Profile.D_VECTOR_SIZE);
    sizes.put("log_f0", F0_SIZE);
    sizes.put("ltas", profile.ltas().length);
    Map<String, Object> header = new LinkedHashMap<>();
    header.put("name", profile.name());
    header.put("created", profile.created());
    header.put("encoder_id", profile.encoderId());
    header.put("speech_s", profile.speechS());
    header.put("app_version", profile.appVersion());
    header.put("quality", profile.quality().toJson());
    header.put("body", sizes);
    byte[] voice = voiceprint(profile);
    byte[] learnt = new byte[0];
    if (profile.adaptation() != null) {
      header.put("adaptation", profile.adaptation().toHeader());
      sizes.put("adaptation", profile.adaptation().size());
      learnt = profile.adaptation().toBody();
    }
    int version = WITHOUT_CONSENT;
    if (profile.consent() != null) {
      header.put("consent", profile.consent().toJson());
      version = VERSION;
    }
    byte[] text = JsonWriter.spaced().sortedKeys().write(header).getBytes(StandardCharsets.US_ASCII);
    int size = PREFIX_BYTES + text.length + voice.length + learnt.length;
    ByteBuffer out = ByteBuffer.allocate(size + DIGEST_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.put(MAGIC).putShort((short) version).putShort((short) 0).putInt(text.length);
    out.putInt(voice.length + learnt.length).put(text).put(voice).put(learnt);
    out.put(Hex.sha256Digest().digest(Arrays.copyOf(out.array(), size)));
    return out.array();
  }

  static Profile read(byte[] data) {
    ByteBuffer in = unpacked(data);
    int version = in.getShort(4);
    int headerSize = in.getInt(8);
    try {
      Map<String, Object> header =
          Json.parseObject(Arrays.copyOfRange(data, PREFIX_BYTES, PREFIX_BYTES + headerSize));
      in.position(PREFIX_BYTES + headerSize);
      in.limit(data.length - DIGEST_BYTES);
      return read(version, header, in.slice().order(ByteOrder.LITTLE_ENDIAN));
    } catch (ConsentException e) {
      throw new ProfileException(e.getMessage() + Profile.REMEDY, e);
    } catch (JsonException e) {
      throw new ProfileException("the profile's header is damaged (" + e.getMessage() + ")" + Profile.REMEDY, e);
    }
  }

  private static Profile read(int version, Map<String, Object> header, ByteBuffer body) {
    Map<String, Object> sizes = Json.object(Fields.of(header, "body"), "body");
    int bands = Fields.count(sizes, "ltas", Profile.MAX_BANDS);
    int learnt = sizes.containsKey("adaptation") ? Fields.count(sizes, "adaptation", Adaptation.MAX_SIZE) : 0;
    int voiceBytes = 4 * (Profile.D_VECTOR_SIZE + F0_SIZE + bands);
    if (Fields.count(sizes, "d_vector", Profile.D_VECTOR_SIZE) != Profile.D_VECTOR_SIZE
        || body.remaining() != voiceBytes + Adaptation.bodyBytes(learnt)) {
      throw new ProfileException("the profile's parts don't fit together" + Profile.REMEDY);
    }
    float[] dVector = floats(body, Profile.D_VECTOR_SIZE);
    float[] f0 = floats(body, F0_SIZE);
    float[] ltas = floats(body, bands);
    return new ProfileBuilder()
        .name(Fields.text(header, "name"))
        .created(Fields.text(header, "created"))
        .dVector(dVector, Fields.text(header, "encoder_id"))
        .statistics(f0[0], f0[1], ltas)
        .recording(
            Fields.number(header, "speech_s"),
            QualitySummary.read(Json.object(Fields.of(header, "quality"), "quality")))
        .appVersion(Fields.text(header, "app_version"))
        .adaptation(
            learnt == 0
                ? null
                : Adaptation.read(Json.object(Fields.of(header, "adaptation"), "adaptation"), learnt, body))
        .consent(version == WITHOUT_CONSENT ? null : consent(header))
        .build();
  }

  private static StoredConsent consent(Map<String, Object> header) {
    if (!header.containsKey("consent")) {
      throw new ConsentException("the profile's consent record was taken out");
    }
    return new StoredConsent(Json.object(header.get("consent"), "consent"));
  }

  private static float[] floats(ByteBuffer body, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = body.getFloat();
    }
    return values;
  }

  /** The frame of a file, checked. */
  private static ByteBuffer unpacked(byte[] data) {
    if (data.length < 6 || !isPlain(data)) {
      throw new ProfileException("this is not a voicelet profile" + Profile.REMEDY);
    }
    ByteBuffer in = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    int version = in.getShort(4) & 0xFFFF;
    if (version > VERSION) {
      throw new ProfileException(
          "the profile has version " + version + " and this voicelet reads up to " + VERSION + "; update voicelet");
    }
    if (data.length < PREFIX_BYTES + DIGEST_BYTES || data.length > MAX_BYTES) {
      throw new ProfileException("the profile is cut short, or far too large" + Profile.REMEDY);
    }
    if (version == 0 || in.getShort(6) != 0) {
      throw new ProfileException("the profile uses features that this voicelet doesn't know; update voicelet");
    }
    long header = in.getInt(8) & 0xFFFFFFFFL;
    long body = in.getInt(12) & 0xFFFFFFFFL;
    if (data.length != PREFIX_BYTES + header + body + DIGEST_BYTES || body % 4 != 0) {
      throw new ProfileException("the profile has another length than it states" + Profile.REMEDY);
    }
    int end = data.length - DIGEST_BYTES;
    byte[] digest = Hex.sha256Digest().digest(Arrays.copyOf(data, end));
    if (!MessageDigest.isEqual(digest, Arrays.copyOfRange(data, end, data.length))) {
      throw new ProfileException("the profile was changed or damaged (its checksum differs)" + Profile.REMEDY);
    }
    return in;
  }
}
