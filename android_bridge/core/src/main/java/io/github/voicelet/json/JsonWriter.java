package io.github.voicelet.json;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Writes JSON to the same bytes as Python's {@code json.dumps} with the same options: what is signed or hashed on one side
 * has to be the same on the other.
 */
public final class JsonWriter {
  private final boolean sorted;
  private final boolean ascii;
  private final String item;
  private final String colon;
  private final int indent;

  private JsonWriter(boolean sorted, boolean ascii, String item, String colon, int indent) {
    this.sorted = sorted;
    this.ascii = ascii;
    this.item = item;
    this.colon = colon;
    this.indent = indent;
  }

  /** As {@code json.dumps(value)}: a blank behind commas and colons, ASCII only, keys in their order. */
  public static JsonWriter spaced() {
    return new JsonWriter(false, true, ", ", ": ", -1);
  }

  /** As {@code json.dumps(value, separators=(",", ":"))}. */
  public static JsonWriter compact() {
    return new JsonWriter(false, true, ",", ":", -1);
  }

  /** As {@code json.dumps(value, indent=indent)}. */
  public static JsonWriter indented(int indent) {
    return new JsonWriter(false, true, ",", ": ", indent);
  }

  /** The same with {@code sort_keys=True}: by code points. */
  public JsonWriter sortedKeys() {
    return new JsonWriter(true, ascii, item, colon, indent);
  }

  /** The same with {@code ensure_ascii=False}. */
  public JsonWriter unicode() {
    return new JsonWriter(sorted, false, item, colon, indent);
  }

  /**
   * Write maps, lists, strings, booleans, whole numbers, doubles and null.
   *
   * @throws JsonException a number isn't finite, or a value is of another type.
   */
  public String write(Object value) {
    StringBuilder out = new StringBuilder();
    write(out, value, 0);
    return out.toString();
  }

  private void write(StringBuilder out, Object value, int depth) {
    if (value == null || value instanceof Boolean) {
      out.append(value);
    } else if (value instanceof String) {
      string(out, (String) value);
    } else if (value instanceof Long || value instanceof Integer) {
      out.append(value);
    } else if (value instanceof Double || value instanceof Float) {
      out.append(number(((Number) value).doubleValue()));
    } else if (value instanceof Map) {
      map(out, (Map<?, ?>) value, depth);
    } else if (value instanceof List) {
      list(out, (List<?>) value, depth);
    } else {
      throw new JsonException("no JSON for a " + value.getClass().getName());
    }
  }

  private void map(StringBuilder out, Map<?, ?> map, int depth) {
    List<String> keys = new ArrayList<>();
    for (Object key : map.keySet()) {
      keys.add((String) key);
    }
    if (sorted) {
      keys.sort(JsonWriter::byCodePoints);
    }
    out.append('{');
    String separator = "";
    for (String key : keys) {
      out.append(separator);
      line(out, depth + 1);
      string(out, key);
      out.append(colon);
      write(out, map.get(key), depth + 1);
      separator = item;
    }
    if (!keys.isEmpty()) {
      line(out, depth);
    }
    out.append('}');
  }

  private void list(StringBuilder out, List<?> list, int depth) {
    out.append('[');
    String separator = "";
    for (Object value : list) {
      out.append(separator);
      line(out, depth + 1);
      write(out, value, depth + 1);
      separator = item;
    }
    if (!list.isEmpty()) {
      line(out, depth);
    }
    out.append(']');
  }

  private void line(StringBuilder out, int depth) {
    if (indent >= 0) {
      out.append('\n');
      for (int i = 0; i < depth * indent; i++) {
        out.append(' ');
      }
    }
  }

  private void string(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      int known = "\"\\\b\f\n\r\t".indexOf(c);
      if (known >= 0) {
        out.append('\\').append("\"\\bfnrt".charAt(known));
      } else if (c < 0x20 || (ascii && c > 0x7e)) {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    out.append('"');
  }

  /** A double as Python's {@code repr} writes it: the fewest digits that read back as the same number. */
  static String number(double value) {
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      throw new JsonException("no JSON for " + value);
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal exact = new BigDecimal(value);
    BigDecimal shortest = exact;
    for (int digits = 1; digits <= 17; digits++) {
      shortest = exact.round(new MathContext(digits));
      if (shortest.doubleValue() == value) {
        break;
      }
    }
    shortest = shortest.stripTrailingZeros();
    String digits = shortest.unscaledValue().abs().toString();
    int exponent = digits.length() - 1 - shortest.scale();
    String sign = value < 0 ? "-" : "";
    if (exponent < -4 || exponent >= 16) {
      String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
      String power = String.format("%02d", Math.abs(exponent));
      return sign + digits.charAt(0) + fraction + "e" + (exponent < 0 ? "-" : "+") + power;
    }
    String plain = shortest.abs().toPlainString();
    return sign + (plain.indexOf('.') < 0 ? plain + ".0" : plain);
  }

  private static int byCodePoints(String a, String b) {
    int i = 0;
    while (i < a.length() && i < b.length()) {
      int left = a.codePointAt(i);
      int right = b.codePointAt(i);
      if (left != right) {
        return Integer.compare(left, right);
      }
      i += Character.charCount(left);
    }
    return Integer.compare(a.length(), b.length());
  }
}
