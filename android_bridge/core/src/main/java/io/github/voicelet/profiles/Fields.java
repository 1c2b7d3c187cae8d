package io.github.voicelet.profiles;

import io.github.voicelet.json.JsonException;
import java.util.Map;

/** Values of JSON objects, with their types checked; errors are {@link JsonException}. */
final class Fields {
  private Fields() {}

  static Object of(Map<String, Object> object, String key) {
    if (!object.containsKey(key)) {
      throw new JsonException(key + " is missing");
    }
    return object.get(key);
  }

  static String text(Map<String, Object> object, String key) {
    Object value = of(object, key);
    if (!(value instanceof String)) {
      throw new JsonException(key + " is no text");
    }
    return (String) value;
  }

  static double number(Map<String, Object> object, String key) {
    Object value = of(object, key);
    if (!(value instanceof Number)) {
      throw new JsonException(key + " is no number");
    }
    return ((Number) value).doubleValue();
  }

  static Double numberOrNull(Map<String, Object> object, String key) {
    return object.get(key) == null ? null : number(object, key);
  }

  /** A whole number from 0 to a bound. */
  static int count(Map<String, Object> object, String key, int most) {
    Object value = of(object, key);
    if (!(value instanceof Long) || (Long) value < 0 || (Long) value > most) {
      throw new JsonException(key + " isn't a whole number from 0 to " + most);
    }
    return ((Long) value).intValue();
  }

  /** Whether a text can be written as UTF-8: JSON may hold halves of surrogate pairs. */
  static boolean isUnicode(String text) {
    for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
      int code = text.codePointAt(i);
      if (code >= Character.MIN_SURROGATE && code <= Character.MAX_SURROGATE) {
        return false;
      }
    }
    return true;
  }
}
