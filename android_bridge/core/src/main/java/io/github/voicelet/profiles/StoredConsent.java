package io.github.voicelet.profiles;

import io.github.voicelet.ConsentException;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.json.JsonWriter;
import io.github.voicelet.trust.keys.Hex;
import io.github.voicelet.trust.keys.Signatures;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The consent record of a profile as its file holds it: its form, its signatures, and which voice it belongs to.
 *
 * <p>Whether it covers a use, has ended, was withdrawn, or is signed by somebody who counts here, the trust package says.
 */
public final class StoredConsent {
  static final long VOICEPRINT_ONLY = 1;

  private static final long VERSION = 3;
  private static final int MOST_REPLACED = 256;
  private static final int MOST_SIGNERS = 16;
  private static final String CONTEXT = "voicelet-consent-1";
  private static final String COUNTERSIGN_CONTEXT = "voicelet-countersign-1";
  private static final String SIGNATURE = "signature";
  private static final List<String> TEXTS =
      Arrays.asList("speaker", "given_by", "scope", "created", "method", "reason", "sentence", "audio_sha256");
  private static final List<String> COUNTERSIGNED = Arrays.asList("countersigner", "countersignature");
  private static final List<String> FOLLOWED = Arrays.asList("replaces", "earlier_signers");

  private final Map<String, Object> fields;
  private final long version;

  /**
   * A record as JSON gives it.
   *
   * @throws ConsentException a key is missing, unknown or impossible.
   */
  public StoredConsent(Map<String, Object> json) {
    Map<String, Object> own = new LinkedHashMap<>(json);
    fields = Collections.unmodifiableMap(own);
    try {
      Object number = Fields.of(json, "version");
      if (!(number instanceof Long) || (Long) number < VOICEPRINT_ONLY || (Long) number > VERSION) {
        throw new JsonException(
            "of version " + number + ", and this voicelet reads 1 to " + VERSION + "; update voicelet");
      }
      version = (Long) number;
      dropEmpty(own, version < VERSION ? FOLLOWED : Collections.<String>emptyList());
      dropEmpty(own, version == VOICEPRINT_ONLY ? COUNTERSIGNED : Collections.<String>emptyList());
      checkFields();
    } catch (JsonException e) {
      throw new ConsentException("this is no consent record: " + e.getMessage(), e);
    }
  }

  /** Keys that a version hasn't, and that say nothing, are no part of it. */
  private static void dropEmpty(Map<String, Object> json, List<String> names) {
    for (String name : names) {
      if (Collections.emptyList().equals(json.get(name)) || "".equals(json.get(name))) {
        json.remove(name);
      }
    }
  }

  private void checkFields() {
    Set<String> known = new HashSet<>(TEXTS);
    Collections.addAll(known, "version", "purposes", "expires", "id", "voice_sha256", "device", SIGNATURE);
    for (String name : TEXTS) {
      if (!Fields.isUnicode(Fields.text(fields, name))) {
        throw new JsonException(name + " must be Unicode");
      }
    }
    if (Fields.of(fields, "expires") != null) {
      Fields.text(fields, "expires");
    }
    hex("id", 32);
    hex("voice_sha256", 64);
    hex("device", 64);
    hex(SIGNATURE, 128);
    texts("purposes", 16);
    if (version != VOICEPRINT_ONLY) {
      known.addAll(COUNTERSIGNED);
      boolean isCountersigned = !Fields.text(fields, "countersigner").isEmpty();
      hex("countersigner", isCountersigned ? 64 : 0);
      hex("countersignature", isCountersigned ? 128 : 0);
    }
    if (version == VERSION) {
      known.addAll(FOLLOWED);
      List<String> replaced = hexes("replaces", MOST_REPLACED, 32);
      List<String> signers = hexes("earlier_signers", MOST_SIGNERS, 64);
      boolean isItself = replaced.contains(id()) || signers.contains(Fields.text(fields, "device"));
      if (isItself || (replaced.isEmpty() && signers.isEmpty())) {
        throw new JsonException("what it follows is impossible");
      }
    }
    for (String name : fields.keySet()) {
      if (!known.contains(name)) {
        throw new JsonException("unknown key " + name);
      }
    }
  }

  private void hex(String name, int digits) {
    if (!Hex.isHex(Fields.of(fields, name), digits)) {
      throw new JsonException(name + " must be " + digits + " hexadecimal digits");
    }
  }

  private List<String> hexes(String name, int most, int digits) {
    List<String> values = texts(name, most);
    for (String value : values) {
      if (!Hex.isHex(value, digits)) {
        throw new JsonException(name + " must list hexadecimal digits");
      }
    }
    return values;
  }

  private List<String> texts(String name, int most) {
    Object list = Fields.of(fields, name);
    if (!(list instanceof List) || ((List<?>) list).size() > most) {
      throw new JsonException(name + " must be a list of " + most + " at most");
    }
    Set<String> values = new LinkedHashSet<>();
    for (Object value : (List<?>) list) {
      if (!(value instanceof String) || !values.add((String) value)) {
        throw new JsonException(name + " must list different texts");
      }
    }
    return new ArrayList<>(values);
  }

  /** Of the record, 32 hexadecimal digits. */
  public String id() {
    return Fields.text(fields, "id");
  }

  /** Whose voice it is. */
  public String speaker() {
    return Fields.text(fields, "speaker");
  }

  /** When it was given, ISO 8601 in UTC. */
  public String created() {
    return Fields.text(fields, "created");
  }

  /** Ids of the records whose place it took, the oldest first. */
  public List<String> replaces() {
    return version == VERSION ? texts("replaces", MOST_REPLACED) : Collections.<String>emptyList();
  }

  /** The hash that binds it to a voice. */
  public String voiceSha256() {
    return Fields.text(fields, "voice_sha256");
  }

  /** Whether it is of the first version, which covers the voiceprint alone and no adaptation. */
  public boolean coversVoiceprintOnly() {
    return version == VOICEPRINT_ONLY;
  }

  /** The record as a file, in its one spelling. */
  public byte[] toBytes() {
    return canonical(fields);
  }

  Map<String, Object> toJson() {
    return fields;
  }

  /**
   * Check the signatures, and that it belongs to a voice.
   *
   * @param voiceSha256 see {@link Profile#boundSha256}.
   * @throws ConsentException it was changed since it was signed, or is another voice's.
   */
  public void verify(String voiceSha256) {
    boolean holds = holds("device", SIGNATURE, CONTEXT, true);
    if (holds && version != VOICEPRINT_ONLY && !Fields.text(fields, "countersigner").isEmpty()) {
      holds = holds("countersigner", "countersignature", COUNTERSIGN_CONTEXT, false);
    }
    if (!holds) {
      throw new ConsentException(
          "the consent record of "
              + ProfileNames.quoted(speaker())
              + " was changed since it was signed; restore it from a backup, or ask for consent again");
    }
    if (!voiceSha256.equals(voiceSha256())) {
      throw new ConsentException(
          "the consent record of " + ProfileNames.quoted(speaker()) + " is another voice's; ask for consent to this one");
    }
  }

  private boolean holds(String key, String signature, String context, boolean isFirst) {
    Map<String, Object> signed = new LinkedHashMap<>(fields);
    signed.keySet().removeAll(COUNTERSIGNED);
    if (isFirst) {
      signed.remove(SIGNATURE);
    }
    byte[] publicKey = Hex.bytes(Fields.text(fields, key));
    return Signatures.holds(publicKey, context, canonical(signed), Hex.bytes(Fields.text(fields, signature)));
  }

  private static byte[] canonical(Map<String, Object> json) {
    return JsonWriter.compact().sortedKeys().write(json).getBytes(StandardCharsets.US_ASCII);
  }
}
