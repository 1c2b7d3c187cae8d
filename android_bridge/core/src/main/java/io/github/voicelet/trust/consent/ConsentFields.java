package io.github.voicelet.trust.consent;

import io.github.voicelet.ConfigException;
import io.github.voicelet.ConsentException;
import io.github.voicelet.config.Fields;
import io.github.voicelet.trust.keys.Hex;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/** Which fields a consent record of each version has, and what they may say. */
final class ConsentFields {
  static final int VOICEPRINT_ONLY = 1;
  static final int FOLLOWS_NOTHING = 2;
  static final int NEWEST = 3;
  static final int MOST_REPLACED = 256;
  static final int MOST_SIGNERS = 16;
  static final String[] NAMES = {
    "id", "speaker", "given_by", "purposes", "scope", "created", "expires", "method", "reason", "sentence", "audio_sha256",
    "voice_sha256", "device", "signature", "version", "countersigner", "countersignature", "replaces", "earlier_signers"
  };
  static final List<String> COUNTERSIGNED = Arrays.asList("countersigner", "countersignature");

  private static final List<String> FOLLOWED = Arrays.asList("replaces", "earlier_signers");

  private ConsentFields() {}

  /**
   * Check what is stored.
   *
   * @return its version.
   * @throws ConsentException a value is impossible.
   * @throws ConfigException a name is unknown, or a value of another type.
   */
  static int check(Map<String, Object> stored) {
    Fields fields = new Fields(stored, "consent record", NAMES);
    int version = version(stored);
    checkNames(stored, version);
    checkHex(fields, "id", 32);
    checkHex(fields, "voice_sha256", 64);
    checkHex(fields, "device", 64);
    checkHex(fields, "signature", 128);
    if (version != VOICEPRINT_ONLY) {
      boolean isCountersigned = !fields.text("countersigner").isEmpty();
      checkHex(fields, "countersigner", isCountersigned ? 64 : 0);
      checkHex(fields, "countersignature", isCountersigned ? 128 : 0);
    }
    if (version == NEWEST) {
      checkFollowed(fields);
    }
    for (String name : new String[] {"speaker", "given_by", "scope", "reason", "sentence"}) {
      boolean mayBeEmpty = !name.equals("speaker") && !name.equals("given_by");
      if (!ConsentText.check("the " + name, fields.text(name), mayBeEmpty).equals(fields.text(name))) {
        throw new ConsentException("the " + name + " of a consent isn't in Unicode's composed form");
      }
    }
    List<String> purposes = fields.texts("purposes");
    if (!Purposes.checkAll(purposes).equals(purposes)) {
      throw new ConsentException("the purposes of a consent aren't in order");
    }
    String expires = fields.textOrNull("expires");
    long created = UtcTime.parse("the date", fields.text("created"));
    if (expires != null && UtcTime.parse("the end", expires) <= created) {
      throw new ConsentException("a consent can't end before it began");
    }
    checkMethod(fields);
    return version;
  }

  private static void checkNames(Map<String, Object> stored, int version) {
    List<String> missing = new ArrayList<>(version < NEWEST ? FOLLOWED : Collections.<String>emptyList());
    missing.addAll(version == VOICEPRINT_ONLY ? COUNTERSIGNED : Collections.<String>emptyList());
    for (String name : NAMES) {
      if (stored.containsKey(name) == missing.contains(name)) {
        String has = missing.contains(name) ? " has no " : " has a ";
        throw new ConsentException("this is no consent record: one of version " + version + has + name);
      }
    }
  }

  private static int version(Map<String, Object> stored) {
    Object version = stored.get("version");
    if (version instanceof Long && (Long) version >= VOICEPRINT_ONLY && (Long) version <= NEWEST) {
      return ((Long) version).intValue();
    }
    throw new ConsentException(
        "a consent record of version " + version + ", and this voicelet reads 1 to " + NEWEST + "; update voicelet");
  }

  private static void checkMethod(Fields fields) {
    String method = fields.text("method");
    boolean isSpoken = method.equals("spoken");
    if (!isSpoken && !method.equals("scripted")) {
      throw new ConsentException("no method '" + method + "' of consent; update voicelet");
    }
    checkHex(fields, "audio_sha256", isSpoken ? 64 : 0);
    if (fields.text("sentence").isEmpty() == isSpoken) {
      throw new ConsentException("a spoken consent has a sentence, a scripted one hasn't");
    }
    if (fields.text("reason").isEmpty() != isSpoken) {
      throw new ConsentException("a scripted consent has a reason, a spoken one hasn't");
    }
  }

  private static void checkFollowed(Fields fields) {
    int[] digits = {32, 64};
    int[] most = {MOST_REPLACED, MOST_SIGNERS};
    for (int i = 0; i < 2; i++) {
      String name = FOLLOWED.get(i);
      List<String> ids = fields.texts(name);
      if (ids.size() > most[i] || new HashSet<>(ids).size() < ids.size()) {
        throw new ConsentException(name + " of a consent record lists " + most[i] + " at most, and none twice");
      }
      for (String id : ids) {
        checkHex(name, id, digits[i]);
      }
    }
    List<String> replaces = fields.texts("replaces");
    List<String> signers = fields.texts("earlier_signers");
    if (replaces.isEmpty() && signers.isEmpty()) {
      throw new ConsentException("a consent record of version " + NEWEST + " names what it follows");
    }
    if (replaces.contains(fields.text("id")) || signers.contains(fields.text("device"))) {
      throw new ConsentException("a consent record can't follow itself");
    }
  }

  private static void checkHex(Fields fields, String name, int digits) {
    checkHex(name, fields.text(name), digits);
  }

  private static void checkHex(String name, String value, int digits) {
    if (!Hex.isHex(value, digits)) {
      throw new ConsentException("the " + name + " of a consent record must be " + digits + " hexadecimal digits");
    }
  }
}
