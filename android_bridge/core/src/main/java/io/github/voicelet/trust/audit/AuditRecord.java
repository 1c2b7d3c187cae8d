package io.github.voicelet.trust.audit;

import io.github.voicelet.AuditException;
import io.github.voicelet.ConfigException;
import io.github.voicelet.config.Fields;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.json.JsonWriter;
import io.github.voicelet.trust.keys.Hex;
import io.github.voicelet.trust.keys.Signatures;
import io.github.voicelet.trust.keys.SigningKey;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * One line of the log, a JSON object in its one canonical spelling, so that no byte of it can change unseen. Immutable.
 *
 * <p>{@code prev} is the SHA-256 of the line before; {@code sig}, a signature of the line without it, stands on the last line of
 * every batch that was written at once and, through the chain, holds for all lines before it.
 */
public final class AuditRecord {
  /** What stands for the line before the first. */
  static final String GENESIS = Hex.sha256("voicelet-audit-1");

  static final int MAX_LINE_BYTES = 16_384;

  private static final String CONTEXT = "voicelet-audit-line-1";
  private static final Pattern TIME =
      Pattern.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z");

  private final long seq;
  private final String time;
  private final String event;
  private final Map<String, Object> fields;
  private final String prev;
  private final String sig;

  private AuditRecord(long seq, String time, String event, Map<String, Object> fields, String prev, String sig) {
    AuditEvent.check(event, fields);
    boolean fits = seq >= 1 && TIME.matcher(time).matches() && Hex.isHex(prev, 64);
    if (!fits || (sig != null && !Hex.isHex(sig, 128))) {
      throw new ConfigException("a number, time, hash or signature that can't be one");
    }
    this.seq = seq;
    this.time = time;
    this.event = event;
    this.fields = Collections.unmodifiableMap(fields);
    this.prev = prev;
    this.sig = sig;
  }

  /** The next one, without a signature. */
  static AuditRecord of(long seq, AuditEvent event, String prev) {
    return new AuditRecord(seq, event.time(), event.name(), event.fields(), prev, null);
  }

  /** With a signature. */
  AuditRecord signed(SigningKey key) {
    return new AuditRecord(seq, time, event, fields, prev, Hex.of(key.sign(CONTEXT, withSignature(null))));
  }

  /**
   * Read a line, without its end.
   *
   * @throws AuditException it isn't one, or isn't spelled as it was written.
   */
  static AuditRecord parse(byte[] line) {
    try {
      Fields all = new Fields(parseAscii(line), "a record", "seq", "time", "event", "fields", "prev", "sig");
      AuditRecord record =
          new AuditRecord(
              all.whole("seq", 1, Long.MAX_VALUE),
              all.text("time"),
              all.text("event"),
              all.mapping("fields", false),
              all.text("prev"),
              all.text("sig", null));
      if (!Arrays.equals(record.line(), line)) {
        throw new AuditException("not spelled as it was written");
      }
      return record;
    } catch (JsonException | ConfigException e) {
      throw new AuditException("not a record (" + e.getMessage() + ")", e);
    }
  }

  static Map<String, Object> parseAscii(byte[] data) {
    if (data.length > MAX_LINE_BYTES) {
      throw new JsonException("too long");
    }
    for (byte b : data) {
      if (b < 0) {
        throw new JsonException("not ASCII");
      }
    }
    return Json.parseObject(data);
  }

  static byte[] spelled(Map<String, Object> values) {
    return JsonWriter.compact().write(values).getBytes(StandardCharsets.US_ASCII);
  }

  private byte[] withSignature(String signature) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("seq", seq);
    values.put("time", time);
    values.put("event", event);
    values.put("fields", fields);
    values.put("prev", prev);
    if (signature != null) {
      values.put("sig", signature);
    }
    return spelled(values);
  }

  /** The line, without its end. */
  byte[] line() {
    return withSignature(sig);
  }

  /** SHA-256 of the line. */
  String hash() {
    return Hex.sha256(line());
  }

  /** Whether it has a signature, and it holds. */
  boolean isSignedBy(byte[] publicKey) {
    return sig != null && Signatures.holds(publicKey, CONTEXT, withSignature(null), Hex.bytes(sig));
  }

  boolean hasSignature() {
    return sig != null;
  }

  /** 1, 2, 3, … over all files of the log. */
  public long seq() {
    return seq;
  }

  /** UTC, to the millisecond. */
  public String time() {
    return time;
  }

  /** What happened. */
  public String event() {
    return event;
  }

  /** Short facts. */
  public Map<String, Object> fields() {
    return fields;
  }

  /** SHA-256 of the line before, 64 hexadecimal digits. */
  public String prev() {
    return prev;
  }
}
