package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One JSON object of a pack, read strictly: a key that nobody asks for is an error, and so is a value of another kind.
 *
 * <p>Ask for every key that there may be, then {@link #close}.
 */
public final class Settings implements AutoCloseable {
  private final Map<?, ?> values;
  private final String where;
  private final Set<String> asked = new LinkedHashSet<>();

  /**
   * Of a value that has to be an object.
   *
   * @param where the file and the place in it, for messages.
   * @throws PackException it isn't one.
   */
  public Settings(Object value, String where) {
    if (!(value instanceof Map)) {
      throw new PackException(where + ": expected a mapping, got " + kind(value));
    }
    this.values = (Map<?, ?>) value;
    this.where = where;
  }

  /** The place, for messages. */
  public String where() {
    return where;
  }

  /** Whether the key is there. */
  public boolean has(String key) {
    asked.add(key);
    return values.containsKey(key);
  }

  private Object required(String key) {
    if (!has(key)) {
      throw new PackException(where + ": key '" + key + "' is missing; add it");
    }
    return values.get(key);
  }

  /** A text that has to be there. */
  public String string(String key) {
    return stringOf(required(key), key);
  }

  /** A text. */
  public String string(String key, String otherwise) {
    return has(key) ? stringOf(values.get(key), key) : otherwise;
  }

  /** A text, or null where the file says null or nothing. */
  public String stringOrNull(String key) {
    return has(key) && values.get(key) != null ? stringOf(values.get(key), key) : null;
  }

  /** True or false, or null where the file says null or nothing. */
  public Boolean flagOrNull(String key) {
    Object value = has(key) ? values.get(key) : null;
    if (value != null && !(value instanceof Boolean)) {
      throw misfit(key, "true or false", value);
    }
    return (Boolean) value;
  }

  /** A whole number that has to be there. */
  public int integer(String key) {
    return integerOf(required(key), key);
  }

  /** A whole number. */
  public int integer(String key, int otherwise) {
    return has(key) ? integerOf(values.get(key), key) : otherwise;
  }

  /** A list of texts; none where the key is missing. */
  public List<String> strings(String key) {
    List<String> texts = new ArrayList<>();
    for (Object value : list(key)) {
      texts.add(stringOf(value, key));
    }
    return Collections.unmodifiableList(texts);
  }

  /** A list that has to be there. */
  public List<?> requiredList(String key) {
    required(key);
    return list(key);
  }

  /** A list; empty where the key is missing. */
  public List<?> list(String key) {
    if (!has(key)) {
      return Collections.emptyList();
    }
    return listOf(values.get(key), key);
  }

  /** A value as a list. */
  public List<?> listOf(Object value, String key) {
    if (!(value instanceof List)) {
      throw misfit(key, "a list", value);
    }
    return (List<?>) value;
  }

  /** Texts by key, in the order of the file; none where the key is missing. */
  public Map<String, String> texts(String key) {
    Map<String, String> texts = new LinkedHashMap<>();
    for (Map.Entry<String, Object> entry : objects(key).entrySet()) {
      texts.put(entry.getKey(), stringOf(entry.getValue(), key + "." + entry.getKey()));
    }
    return Collections.unmodifiableMap(texts);
  }

  /** Values by key, in the order of the file; none where the key is missing. */
  public Map<String, Object> objects(String key) {
    Map<String, Object> objects = new LinkedHashMap<>();
    if (has(key)) {
      Object value = values.get(key);
      if (!(value instanceof Map)) {
        throw misfit(key, "a mapping", value);
      }
      for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
        objects.put((String) entry.getKey(), entry.getValue());
      }
    }
    return objects;
  }

  /** An object inside this one; an empty one where the key is missing. */
  public Settings inner(String key) {
    return new Settings(has(key) ? values.get(key) : Collections.emptyMap(), where + "." + key);
  }

  /** A value as an object. */
  public Settings of(Object value, String place) {
    return new Settings(value, where + "." + place);
  }

  private String stringOf(Object value, String key) {
    if (!(value instanceof String)) {
      throw misfit(key, "a text", value);
    }
    return (String) value;
  }

  private int integerOf(Object value, String key) {
    if (!(value instanceof Long) || (Long) value != ((Long) value).intValue()) {
      throw misfit(key, "a whole number", value);
    }
    return ((Long) value).intValue();
  }

  private PackException misfit(String key, String expected, Object value) {
    return new PackException(where + "." + key + ": expected " + expected + ", got " + kind(value));
  }

  private static String kind(Object value) {
    if (value == null) {
      return "null";
    }
    if (value instanceof Map) {
      return "a mapping";
    }
    if (value instanceof List) {
      return "a list";
    }
    return value instanceof String ? "a text" : value.toString();
  }

  /** An error at this object. */
  public PackException error(String message) {
    return new PackException(where + ": " + message);
  }

  /**
   * All was asked for.
   *
   * @throws PackException there is a key that wasn't.
   */
  @Override
  public void close() {
    for (Object key : values.keySet()) {
      if (!asked.contains(key)) {
        throw new PackException(where + ": unknown key '" + key + "'" + Nearest.didYouMean((String) key, asked));
      }
    }
  }
}
