package io.github.voicelet.trust.consent;

import io.github.voicelet.ConfigException;
import io.github.voicelet.ConsentEndedException;
import io.github.voicelet.ConsentException;
import io.github.voicelet.config.Fields;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.json.JsonWriter;
import io.github.voicelet.trust.keys.Hex;
import io.github.voicelet.trust.keys.Signatures;
import io.github.voicelet.trust.keys.SigningKey;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A consent record: who agreed to what with whose voice, signed by the device that asked. Immutable.
 *
 * <p>It is a JSON object in one canonical spelling (sorted keys, no spaces, ASCII), signed for the context {@code
 * voicelet-consent-1} and bound to one voice by a SHA-256, so that it is worth nothing beside another one. Version 3 names what
 * it follows as well. Who may sign for whom is {@link ConsentAuthority}'s matter.
 */
public final class ConsentRecord {
  static final int MAX_BYTES = 1 << 16;
  private static final String CONTEXT = "voicelet-consent-1";
  private static final String COUNTERSIGN_CONTEXT = "voicelet-countersign-1";

  /** What is stored, of the names that its version has. */
  private final Map<String, Object> values;

  private final int version;
  private final long createdS;

  ConsentRecord(Map<String, Object> stored) {
    Map<String, Object> copy = new LinkedHashMap<>(stored);
    version = ConsentFields.check(copy);
    createdS = UtcTime.parse("the date", (String) copy.get("created"));
    copy.put("purposes", new Fields(copy, "consent record", ConsentFields.NAMES).texts("purposes"));
    values = Collections.unmodifiableMap(copy);
  }

  /**
   * Read one; only the canonical form is read, signatures aren't checked.
   *
   * @throws ConsentException it isn't a record.
   */
  public static ConsentRecord parse(byte[] data) {
    ConsentRecord record;
    try {
      if (data.length > MAX_BYTES) {
        throw new JsonException("too long");
      }
      record = new ConsentRecord(Json.parseObject(data));
    } catch (JsonException | ConfigException e) {
      throw new ConsentException("this is no consent record (" + e.getMessage() + ")", e);
    }
    if (!Arrays.equals(record.toBytes(), data)) {
      throw new ConsentException("the consent record was changed: it isn't spelled as it was signed");
    }
    return record;
  }

  /** The record as a file. */
  public byte[] toBytes() {
    return canonical(values);
  }

  /**
   * Check the signatures, what was read and when, and that it belongs to a voice.
   *
   * @param voiceSha256 of the voice, hexadecimal; null to check the signatures alone.
   * @throws ConsentException it was changed since it was signed, is another voice's, or the sentence isn't one that voicelet asks
   *     for, or not one of the day of the record.
   */
  public void verify(String voiceSha256) {
    boolean holds = Signatures.holds(Hex.bytes(device()), CONTEXT, signed(), Hex.bytes(text("signature")));
    if (holds && !countersigner().isEmpty()) {
      byte[] second = Hex.bytes(text("countersignature"));
      holds = Signatures.holds(Hex.bytes(countersigner()), COUNTERSIGN_CONTEXT, countersigned(), second);
    }
    if (!holds) {
      throw new ConsentException(
          "the consent record of '"
              + speaker()
              + "' was changed since it was signed; restore it from a backup, or ask for consent again");
    }
    if (isSpoken()) {
      ConsentSentence.checkReadOn(text("sentence"), createdS);
    }
    if (voiceSha256 != null && !voiceSha256.equals(voiceSha256())) {
      throw new ConsentException("the consent record of '" + speaker() + "' is another voice's");
    }
  }

  /**
   * Check that it covers a use at a time ({@link Revocations} knows the revoked ones).
   *
   * @param nowS seconds since 1970.
   * @throws ConsentEndedException it has expired.
   * @throws ConsentException it doesn't cover the purpose, there is no such purpose, or it is scripted and nobody countersigned
   *     it for more than the speaker's own use.
   */
  public void check(String purpose, long nowS) {
    if (!Purposes.cover(purposes(), Purposes.check(purpose))) {
      throw new ConsentException(
          givenBy() + " agreed to " + purposes() + ", not to " + purpose + "; ask for consent to both");
    }
    if (needsCountersigner(purpose) && countersigner().isEmpty()) {
      throw new ConsentException(
          "a consent that was only written down serves for "
              + Purposes.BY_STATEMENT
              + ", not for "
              + purpose
              + "; let the speaker read a sentence, or somebody who is trusted here countersign it");
    }
    if (expires() != null && UtcTime.parse("the end", expires()) <= nowS) {
      throw new ConsentEndedException(
          "the consent of " + givenBy() + " ended on " + expires().substring(0, 10) + "; ask for it again");
    }
  }

  /** Whether it allows a use only together with a second, trusted signature. */
  public boolean needsCountersigner(String purpose) {
    return !isSpoken() && !Purposes.BY_STATEMENT.contains(purpose);
  }

  /** This record with the device key and signature of a key. */
  ConsentRecord signedBy(SigningKey key) {
    Map<String, Object> changed = new LinkedHashMap<>(values);
    changed.put("device", key.id());
    ConsentRecord unsigned = new ConsentRecord(changed);
    changed.put("signature", Hex.of(key.sign(CONTEXT, unsigned.signed())));
    return new ConsentRecord(changed);
  }

  /**
   * This record with a second signature, of somebody who vouches for what it says.
   *
   * @throws ConsentException it is of version 1, which has no place for it; or the key is the one that it was signed with.
   */
  public ConsentRecord countersignedBy(SigningKey key) {
    if (version == ConsentFields.VOICEPRINT_ONLY) {
      throw new ConsentException("a consent record of version 1 can't be countersigned; ask for the consent anew first");
    }
    if (key.id().equals(device())) {
      throw new ConsentException("this device signed the record already; somebody else has to countersign it");
    }
    Map<String, Object> changed = new LinkedHashMap<>(values);
    changed.put("countersigner", key.id());
    changed.put("countersignature", Hex.of(key.sign(COUNTERSIGN_CONTEXT, countersigned())));
    return new ConsentRecord(changed);
  }

  /**
   * The same consent for a voice that was adapted since: signed anew, with the same id, so that a revocation holds for both. A
   * countersignature was for the old voice and is gone; whoever signed before stays named.
   *
   * @param voiceSha256 of all that shapes the voice now.
   * @param purposes of the old ones, those that still hold.
   * @throws ConsentException a purpose wasn't agreed to, or too many devices have signed it in turn.
   */
  public ConsentRecord renewed(String voiceSha256, Collection<String> purposes, SigningKey key) {
    List<String> kept = Purposes.checkAll(purposes);
    if (!purposes().containsAll(kept)) {
      throw new ConsentException("a consent can't be renewed for purposes that weren't agreed to");
    }
    Set<String> signers = new LinkedHashSet<>(earlierSigners());
    signers.add(device());
    signers.remove(key.id());
    if (signers.size() > ConsentFields.MOST_SIGNERS) {
      throw new ConsentException(
          "more than " + ConsentFields.MOST_SIGNERS + " devices have signed this consent in turn; ask for it anew");
    }
    Map<String, Object> changed = new LinkedHashMap<>(values);
    changed.put("voice_sha256", voiceSha256);
    changed.put("purposes", kept);
    return signedWith(changed, replaces(), new ArrayList<>(signers), key);
  }

  /**
   * This record, signed anew as the one that took the place of others.
   *
   * @param replaced their ids, the oldest first; of too many, the oldest are left out.
   * @param key of the device that signed it.
   * @throws ConsentException it is of version 1, which has no place for them.
   */
  public ConsentRecord following(Collection<String> replaced, SigningKey key) {
    if (version == ConsentFields.VOICEPRINT_ONLY) {
      throw new ConsentException("a consent record of version 1 can't name what it follows");
    }
    Set<String> ids = new LinkedHashSet<>(replaces());
    ids.addAll(replaced);
    ids.remove(id());
    List<String> newest = new ArrayList<>(ids);
    newest = newest.subList(Math.max(0, newest.size() - ConsentFields.MOST_REPLACED), newest.size());
    return signedWith(new LinkedHashMap<>(values), newest, earlierSigners(), key);
  }

  private static ConsentRecord signedWith(
      Map<String, Object> changed, List<String> replaces, List<String> signers, SigningKey key) {
    boolean isFollowing = !replaces.isEmpty() || !signers.isEmpty();
    changed.put("version", (long) (isFollowing ? ConsentFields.NEWEST : ConsentFields.FOLLOWS_NOTHING));
    changed.put("countersigner", "");
    changed.put("countersignature", "");
    changed.remove("replaces");
    changed.remove("earlier_signers");
    if (isFollowing) {
      changed.put("replaces", new ArrayList<>(replaces));
      changed.put("earlier_signers", new ArrayList<>(signers));
    }
    changed.put("device", key.id());
    return new ConsentRecord(changed).signedBy(key);
  }

  private byte[] signed() {
    Map<String, Object> unsigned = new LinkedHashMap<>(values);
    unsigned.remove("signature");
    unsigned.keySet().removeAll(ConsentFields.COUNTERSIGNED);
    return canonical(unsigned);
  }

  private byte[] countersigned() {
    Map<String, Object> unsigned = new LinkedHashMap<>(values);
    unsigned.keySet().removeAll(ConsentFields.COUNTERSIGNED);
    return canonical(unsigned);
  }

  static byte[] canonical(Map<String, Object> values) {
    return JsonWriter.compact().sortedKeys().write(values).getBytes(StandardCharsets.US_ASCII);
  }

  private String text(String name) {
    Object value = values.get(name);
    return value == null ? "" : (String) value;
  }

  private List<String> texts(String name) {
    Fields fields = new Fields(values, "consent record", ConsentFields.NAMES);
    return fields.has(name) ? fields.texts(name) : Collections.emptyList();
  }

  /** 32 hexadecimal digits, random; revocations name it. */
  public String id() {
    return text("id");
  }

  /** Whose voice it is. */
  public String speaker() {
    return text("speaker");
  }

  /** Who agreed: the speaker, or somebody who may agree for them. */
  public String givenBy() {
    return text("given_by");
  }

  /** Of {@link Purposes#ALL}. */
  public List<String> purposes() {
    return texts("purposes");
  }

  /** Further limits in words; for people, not checked. */
  public String scope() {
    return text("scope");
  }

  /** When it was made, in seconds since 1970. */
  public long createdS() {
    return createdS;
  }

  /** When it was made, ISO 8601. */
  public String created() {
    return text("created");
  }

  /** When it ends, ISO 8601; null for one that stands until it is revoked. */
  public String expires() {
    return (String) values.get("expires");
  }

  /** Whether the speaker read a random sentence; else somebody wrote it down. */
  public boolean isSpoken() {
    return text("method").equals("spoken");
  }

  /** Whether it is bound to the voiceprint alone, as version 1 is; else to all that shapes the voice. */
  public boolean isOfVoiceprint() {
    return version == ConsentFields.VOICEPRINT_ONLY;
  }

  /** Of the voice it belongs to, hexadecimal. */
  public String voiceSha256() {
    return text("voice_sha256");
  }

  /** Public key of the device that signed, hexadecimal. */
  public String device() {
    return text("device");
  }

  /** Public key of whoever signed as well, hexadecimal; "" for nobody. */
  public String countersigner() {
    return text("countersigner");
  }

  /** Ids of the records whose place it took, the oldest first; whoever withdraws it withdraws them. */
  public List<String> replaces() {
    return texts("replaces");
  }

  /** Public keys of the devices that signed it before; all of them have to be trusted. */
  public List<String> earlierSigners() {
    return texts("earlier_signers");
  }
}
