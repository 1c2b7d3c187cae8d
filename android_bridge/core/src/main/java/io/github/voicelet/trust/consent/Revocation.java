package io.github.voicelet.trust.consent;

import io.github.voicelet.ConfigException;
import io.github.voicelet.ConsentException;
import io.github.voicelet.config.Fields;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.trust.keys.Hex;
import io.github.voicelet.trust.keys.Signatures;
import io.github.voicelet.trust.keys.SigningKey;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One consent withdrawn: a line of the list, signed and chained to the line before. Immutable. */
public final class Revocation {
  private static final String CONTEXT = "voicelet-revocation-1";
  private static final Pattern REPLACES = Pattern.compile("replaces ([0-9]{1,9}) ([0-9a-f]{64})");

  private final String id;
  private final String revoked;
  private final String reason;
  private final String previous;
  private final String device;
  private final byte[] line;

  private Revocation(String id, String revoked, String reason, String previous, String device, byte[] line) {
    this.id = id;
    this.revoked = revoked;
    this.reason = reason;
    this.previous = previous;
    this.device = device;
    this.line = line;
  }

  /** Sign one. */
  static Revocation sign(SigningKey key, String id, String revoked, String reason, String previous) {
    Map<String, Object> values = values(id, revoked, reason, previous, key.id());
    values.put("signature", Hex.of(key.sign(CONTEXT, ConsentRecord.canonical(values))));
    return new Revocation(id, revoked, reason, previous, key.id(), ConsentRecord.canonical(values));
  }

  /**
   * Read a line, without its end.
   *
   * @throws ConsentException it was changed.
   */
  static Revocation parse(byte[] line) {
    try {
      Map<String, Object> stored = Json.parseObject(TrustedSigners.ascii(line));
      Fields fields = new Fields(stored, "revocation", "id", "revoked", "reason", "previous", "device", "signature");
      String id = hex(fields, "id", 32);
      String revoked = fields.text("revoked");
      UtcTime.parse("the date", revoked);
      String previous = hex(fields, "previous", 64);
      String device = hex(fields, "device", 64);
      String signature = hex(fields, "signature", 128);
      Map<String, Object> values = values(id, revoked, fields.text("reason"), previous, device);
      byte[] signed = ConsentRecord.canonical(values);
      values.put("signature", signature);
      boolean isSpelled = Arrays.equals(ConsentRecord.canonical(values), line);
      if (isSpelled && Signatures.holds(Hex.bytes(device), CONTEXT, signed, Hex.bytes(signature))) {
        return new Revocation(id, revoked, fields.text("reason"), previous, device, line);
      }
    } catch (JsonException | ConfigException | ConsentException e) {
      throw new ConsentException("this revocation was changed (" + e.getMessage() + ")", e);
    }
    throw new ConsentException("this revocation was changed");
  }

  private static String hex(Fields fields, String name, int digits) {
    if (!Hex.isHex(fields.text(name), digits)) {
      throw fields.error(name + " must be " + digits + " hexadecimal digits");
    }
    return fields.text(name);
  }

  private static Map<String, Object> values(String id, String revoked, String reason, String previous, String device) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("id", id);
    values.put("revoked", revoked);
    values.put("reason", reason);
    values.put("previous", previous);
    values.put("device", device);
    return values;
  }

  /** The state of a list that was lost, if the line says that this list took its place; else null. */
  ListState replaces() {
    Matcher match = REPLACES.matcher(reason);
    try {
      return match.matches() ? new ListState(Integer.parseInt(match.group(1)), match.group(2)) : null;
    } catch (IllegalArgumentException e) {
      return null; // no list was ever in such a state
    }
  }

  /** The record's id. */
  public String id() {
    return id;
  }

  /** When, ISO 8601. */
  public String revoked() {
    return revoked;
  }

  /** Why, in words; may be empty. */
  public String reason() {
    return reason;
  }

  String previous() {
    return previous;
  }

  /** Public key of the device that signed, hexadecimal. */
  public String device() {
    return device;
  }

  /** As it is stored, without the end of the line. */
  byte[] line() {
    return line;
  }
}
