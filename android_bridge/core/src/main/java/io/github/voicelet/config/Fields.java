package io.github.voicelet.config;

import io.github.voicelet.ConfigException;
import io.github.voicelet.text.pack.Nearest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The fields of one object of {@link io.github.voicelet.json.Json}, each asked for by name and type; nothing is converted but a
 * whole number to a {@code double}. Every method throws {@link ConfigException}, which names the place.
 */
public final class Fields {
  private final Map<?, ?> values;
  private final String place;

  /**
   * @param value what was read.
   * @param place its name in messages ("manifest.json").
   * @param known every key that it may have.
   */
  public Fields(Object value, String place, String... known) {
    if (!(value instanceof Map)) {
      throw new ConfigException(place + ": expected a mapping, got " + type(value));
    }
    this.values = (Map<?, ?>) value;
    this.place = place;
    List<String> names = Arrays.asList(known);
    for (Object key : values.keySet()) {
      if (!names.contains(key)) {
        throw new ConfigException(place + ": unknown key '" + key + "'" + Nearest.didYouMean((String) key, names));
      }
    }
  }

  /** The place of a field in messages. */
  public String place(String name) {
    return place + "." + name;
  }

  /** Whether there is one of that name. */
  public boolean has(String name) {
    return values.containsKey(name);
  }

  /** A text. */
  public String text(String name) {
    return text(needed(name), place(name));
  }

  /** A text; another where there is none. */
  public String text(String name, String usual) {
    return has(name) ? text(name) : usual;
  }

  /** A text or null, which has to be there. */
  public String textOrNull(String name) {
    Object value = needed(name);
    return value == null ? null : text(value, place(name));
  }

  /** A whole number between two others. */
  public long whole(String name, long least, long most) {
    Object value = needed(name);
    if (!(value instanceof Long)) {
      throw new ConfigException(place(name) + ": expected int, got " + type(value));
    }
    if ((Long) value < least || (Long) value > most) {
      throw new ConfigException(place(name) + ": " + value + " is out of " + least + ".." + most);
    }
    return (Long) value;
  }

  /** A whole number between two others; another where there is none. */
  public long whole(String name, long least, long most, long usual) {
    return has(name) ? whole(name, least, most) : usual;
  }

  /** A number. */
  public double number(String name) {
    return number(needed(name), place(name));
  }

  /** A number; another where there is none. */
  public double number(String name, double usual) {
    return has(name) ? number(name) : usual;
  }

  /** Numbers. */
  public double[] numbers(String name) {
    List<?> list = list(name);
    double[] out = new double[list.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = number(list.get(i), place(name) + "[" + i + "]");
    }
    return out;
  }

  /** Texts. */
  public List<String> texts(String name) {
    List<String> out = new ArrayList<>();
    for (Object item : list(name)) {
      out.add(text(item, place(name) + "[" + out.size() + "]"));
    }
    return Collections.unmodifiableList(out);
  }

  /** A list of anything. */
  public List<?> list(String name) {
    Object value = needed(name);
    if (!(value instanceof List)) {
      throw new ConfigException(place(name) + ": expected a list, got " + type(value));
    }
    return (List<?>) value;
  }

  /** A mapping from texts to anything; an empty one where there is none, if it may be missing. */
  public Map<String, Object> mapping(String name, boolean mayBeMissing) {
    Map<String, Object> out = new LinkedHashMap<>();
    if (!has(name) && mayBeMissing) {
      return out;
    }
    Object value = needed(name);
    if (!(value instanceof Map)) {
      throw new ConfigException(place(name) + ": expected a mapping, got " + type(value));
    }
    for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
      out.put((String) entry.getKey(), entry.getValue());
    }
    return out;
  }

  /** Anything, which has to be there. */
  public Object needed(String name) {
    if (!has(name)) {
      throw new ConfigException(place + ": key '" + name + "' is missing; add it");
    }
    return values.get(name);
  }

  /** An error at this place. */
  public ConfigException error(String message) {
    return new ConfigException(place + ": " + message);
  }

  private static String text(Object value, String where) {
    if (!(value instanceof String)) {
      throw new ConfigException(where + ": expected str, got " + type(value));
    }
    return (String) value;
  }

  private static double number(Object value, String where) {
    if (!(value instanceof Long) && !(value instanceof Double)) {
      throw new ConfigException(where + ": expected float, got " + type(value));
    }
    return ((Number) value).doubleValue();
  }

  private static String type(Object value) {
    if (value instanceof Map) {
      return "a mapping";
    }
    if (value instanceof List) {
      return "a list";
    }
    return value == null ? "nothing" : value.getClass().getSimpleName();
  }
}
