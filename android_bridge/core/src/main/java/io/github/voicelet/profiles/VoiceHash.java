package io.github.voicelet.profiles;

import io.github.voicelet.trust.keys.Hex;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/**
 * Hashes that bind a consent record to a voice: each value as its kind, its length and itself, so that no other value has the
 * same bytes; numbers with 32 bits, since a voice is computed from them as such; what has its default left out.
 */
final class VoiceHash {
  private VoiceHash() {}

  /** Of everything in a profile that shapes its voice. */
  static String shaping(Profile profile) {
    ByteArrayOutputStream fields = new ByteArrayOutputStream();
    field(fields, "d_vector", array(profile.dVector()));
    ByteArrayOutputStream statistics = new ByteArrayOutputStream();
    field(statistics, "log_f0_mean", number(profile.logF0Mean()));
    field(statistics, "log_f0_std", number(profile.logF0Std()));
    field(statistics, "ltas", array(profile.ltas()));
    field(fields, "statistics", spelled('d', statistics.toByteArray()));
    field(fields, "encoder_id", text(profile.encoderId()));
    Adaptation adaptation = profile.adaptation();
    if (adaptation != null) {
      field(fields, "adaptation", spelled('d', adaptationFields(adaptation)));
    }
    MessageDigest digest = Hex.sha256Digest();
    digest.update("voicelet-voice-2\n".getBytes(StandardCharsets.US_ASCII));
    return Hex.of(digest.digest(spelled('d', fields.toByteArray())));
  }

  private static byte[] adaptationFields(Adaptation adaptation) {
    ByteArrayOutputStream fields = new ByteArrayOutputStream();
    field(fields, "decoder_sha256", text(adaptation.decoderSha256()));
    field(fields, "condition_shift", array(adaptation.conditionShift()));
    for (int i = 0; i < Adaptation.NAMES.length; i++) {
      float value = (float) adaptation.number(i);
      if (Float.floatToIntBits(value) != Float.floatToIntBits((float) Adaptation.DEFAULTS[i])) {
        field(fields, Adaptation.NAMES[i], number(value));
      }
    }
    return fields.toByteArray();
  }

  /** Of the voiceprint alone. */
  static String voiceprint(Profile profile) {
    MessageDigest digest = Hex.sha256Digest();
    digest.update(("voicelet-voice-1\n" + profile.encoderId() + "\n").getBytes(StandardCharsets.UTF_8));
    return Hex.of(digest.digest(ProfileFormat.voiceprint(profile)));
  }

  private static void field(ByteArrayOutputStream out, String name, byte[] value) {
    byte[] spelledName = text(name);
    out.write(spelledName, 0, spelledName.length);
    out.write(value, 0, value.length);
  }

  private static byte[] text(String text) {
    return spelled('s', text.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] number(float value) {
    return spelled('f', ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(value).array());
  }

  private static byte[] array(float[] values) {
    byte[] shape = ("(" + values.length + ",)\n").getBytes(StandardCharsets.US_ASCII);
    ByteBuffer data = ByteBuffer.allocate(shape.length + 4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    data.put(shape);
    for (float value : values) {
      data.putFloat(value);
    }
    return spelled('a', data.array());
  }

  private static byte[] spelled(char kind, byte[] data) {
    ByteBuffer out = ByteBuffer.allocate(9 + data.length).order(ByteOrder.LITTLE_ENDIAN);
    return out.put((byte) kind).putLong(data.length).put(data).array();
  }
}
