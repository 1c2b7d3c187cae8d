package io.github.voicelet.trust.consent;

import io.github.voicelet.ConsentException;
import io.github.voicelet.config.Fields;
import io.github.voicelet.trust.keys.Hex;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Somebody else's device whose records count here. Immutable. */
public final class TrustedSigner {
  private final String key;
  private final String name;
  private final List<String> purposes;
  private final String added;

  /**
   * @throws ConsentException a value is impossible.
   */
  TrustedSigner(String key, String name, Collection<String> purposes, String added) {
    if (!Hex.isHex(key, 64)) {
      throw noKey(key);
    }
    this.key = key;
    this.name = ConsentText.check("the name", name, true);
    this.purposes = Purposes.checkAll(purposes);
    UtcTime.parse("the date", added);
    this.added = added;
  }

  /** Of a row of the list. */
  static TrustedSigner of(Object row) {
    Fields fields = new Fields(row, "signer", "key", "name", "purposes", "added");
    return new TrustedSigner(
        fields.text("key"), fields.text("name"), fields.texts("purposes"), fields.text("added"));
  }

  /**
   * A signer's public key as records write it; capitals, spaces and colons are forgiven.
   *
   * @throws ConsentException it is none.
   */
  static String checkKey(String key) {
    String plain = key.length() > 500 ? key : key.replaceAll("[\\s:-]", "").toLowerCase(Locale.ROOT);
    if (!Hex.isHex(plain, 64)) {
      throw noKey(key);
    }
    return plain;
  }

  private static ConsentException noKey(String key) {
    String shown = key.length() > 80 ? key.substring(0, 80) : key;
    return new ConsentException("'" + shown + "' is no signer's key; it has 64 hexadecimal digits");
  }

  Map<String, Object> fields() {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("key", key);
    out.put("name", name);
    out.put("purposes", purposes);
    out.put("added", added);
    return out;
  }

  /** Its public key, 64 hexadecimal digits; a record's {@link ConsentRecord#device}. */
  public String key() {
    return key;
  }

  /** What it is called here; may be empty. */
  public String name() {
    return name;
  }

  /** What its records may allow here, and what it may countersign. */
  public List<String> purposes() {
    return purposes;
  }

  /** When it was trusted, ISO 8601 in UTC. */
  public String added() {
    return added;
  }
}
