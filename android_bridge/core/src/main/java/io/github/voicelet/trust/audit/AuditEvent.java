package io.github.voicelet.trust.audit;

import io.github.voicelet.ConfigException;
import java.text.SimpleDateFormat;
import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;
import java.util.regex.Pattern;

/** What is to be noted: its name, its facts, and when it happened. Immutable. */
public final class AuditEvent {
  private static final int MAX_FIELDS = 24;
  private static final int MAX_CHARACTERS = 256;
  private static final Pattern EVENT = Pattern.compile("[a-z][a-z-]{0,31}");
  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_]{0,31}");

  private final String name;
  private final Map<String, Object> fields;
  private final String time;

  /**
   * @param name "enrol", "consent", "use", "export", "revocation", …
   * @param fields short facts: texts, whole numbers, doubles, booleans; never text that was spoken, never a name in clear.
   * @param time {@link #timestamp}.
   * @throws ConfigException it can't be noted.
   */
  public AuditEvent(String name, Map<String, ?> fields, String time) {
    this.name = name;
    this.fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
    this.time = time;
    check(name, this.fields);
  }

  /** Of now. */
  public static AuditEvent now(String name, Map<String, ?> fields) {
    return new AuditEvent(name, fields, timestamp(System.currentTimeMillis()));
  }

  /** A time in milliseconds since 1970 as records have it: {@code 2026-11-23T09:30:00.000Z}. */
  public static String timestamp(long timeMs) {
    SimpleDateFormat format = new SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", Locale.ROOT);
    format.setTimeZone(TimeZone.getTimeZone("UTC"));
    return format.format(new Date(timeMs));
  }

  /** Refuse what can't be noted. */
  static void check(String event, Map<String, ?> fields) {
    if (!EVENT.matcher(event).matches()) {
      throw new ConfigException("an event is a short word in small letters, not '" + shown(event) + "'");
    }
    if (fields.size() > MAX_FIELDS) {
      throw new ConfigException("an event has at most " + MAX_FIELDS + " fields, not " + fields.size());
    }
    for (Map.Entry<String, ?> field : fields.entrySet()) {
      if (!NAME.matcher(field.getKey()).matches()) {
        throw new ConfigException("a field's name is a short word in small letters, not '" + shown(field.getKey()) + "'");
      }
      checkValue(field.getKey(), field.getValue());
    }
  }

  private static void checkValue(String name, Object value) {
    if (value instanceof String) {
      String text = (String) value;
      if (text.codePointCount(0, text.length()) > MAX_CHARACTERS) {
        throw new ConfigException("field '" + name + "' is longer than " + MAX_CHARACTERS + " characters");
      }
    } else if (value instanceof Double) {
      if (((Double) value).isNaN() || ((Double) value).isInfinite()) {
        throw new ConfigException("field '" + name + "' is no finite number");
      }
    } else if (value instanceof Long) {
      if ((Long) value == Long.MIN_VALUE) {
        throw new ConfigException("field '" + name + "' is too large a number");
      }
    } else if (!(value instanceof Boolean) && !(value instanceof Integer)) {
      throw new ConfigException("field '" + name + "' must be text or a number");
    }
  }

  private static String shown(String text) {
    return text.length() > 40 ? text.substring(0, 40) : text;
  }

  /** What happened. */
  public String name() {
    return name;
  }

  /** Short facts. */
  public Map<String, Object> fields() {
    return fields;
  }

  /** When, UTC, to the millisecond. */
  public String time() {
    return time;
  }
}
