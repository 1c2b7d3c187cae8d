package io.github.voicelet.json;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads JSON strictly (RFC 8259): nothing behind the value, no key twice, no NaN, and a bound on the depth.
 *
 * <p>An object is a {@code Map<String, Object>} in the order of the text, an array a {@code List<Object>}; a number is a {@code Long}
 * where it is written without fraction and exponent, else a {@code Double}; {@code null} is {@code null}.
 */
public final class Json {
  private static final int MAX_DEPTH = 100;

  private final String text;
  private int at;

  private Json(String text) {
    this.text = text;
  }

  /**
   * Read one value.
   *
   * @throws JsonException the text isn't JSON; the message says where.
   */
  public static Object parse(String text) {
    Json reader = new Json(text);
    Object value = reader.value(0);
    reader.space();
    if (reader.at < text.length()) {
      throw reader.error("nothing more was expected");
    }
    return value;
  }

  /**
   * Read one value from UTF-8.
   *
   * @throws JsonException the bytes aren't UTF-8, or the text isn't JSON.
   */
  public static Object parse(byte[] utf8) {
    try {
      return parse(
          StandardCharsets.UTF_8
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .onUnmappableCharacter(CodingErrorAction.REPORT)
              .decode(ByteBuffer.wrap(utf8))
              .toString());
    } catch (CharacterCodingException e) {
      throw new JsonException("not UTF-8", e);
    }
  }

  /**
   * Read one object from UTF-8.
   *
   * @throws JsonException it isn't one.
   */
  public static Map<String, Object> parseObject(byte[] utf8) {
    return object(parse(utf8), "the text");
  }

  /**
   * A value as an object.
   *
   * @param what names it in the message.
   * @throws JsonException it isn't one.
   */
  @SuppressWarnings("unchecked") // the parser makes no other maps
  public static Map<String, Object> object(Object value, String what) {
    if (!(value instanceof Map)) {
      throw new JsonException(what + " must be an object");
    }
    return (Map<String, Object>) value;
  }

  /**
   * A value as an array.
   *
   * @param what names it in the message.
   * @throws JsonException it isn't one.
   */
  @SuppressWarnings("unchecked") // the parser makes no other lists
  public static List<Object> array(Object value, String what) {
    if (!(value instanceof List)) {
      throw new JsonException(what + " must be a list");
    }
    return (List<Object>) value;
  }

  private Object value(int depth) {
    if (depth > MAX_DEPTH) {
      throw error("nested too deep");
    }
    space();
    char c = peek();
    switch (c) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return string();
      case 't':
        return literal("true", Boolean.TRUE);
      case 'f':
        return literal("false", Boolean.FALSE);
      case 'n':
        return literal("null", null);
      default:
        return number();
    }
  }

  private Map<String, Object> object(int depth) {
    Map<String, Object> out = new LinkedHashMap<>();
    at++;
    space();
    if (peek() == '}') {
      at++;
      return out;
    }
    while (true) {
      space();
      String key = string();
      if (out.containsKey(key)) {
        throw error("the key " + key + " appears twice");
      }
      space();
      expect(':');
      out.put(key, value(depth + 1));
      space();
      if (peek() == '}') {
        at++;
        return out;
      }
      expect(',');
    }
  }

  private List<Object> array(int depth) {
    List<Object> out = new ArrayList<>();
    at++;
    space();
    if (peek() == ']') {
      at++;
      return out;
    }
    while (true) {
      out.add(value(depth + 1));
      space();
      if (peek() == ']') {
        at++;
        return out;
      }
      expect(',');
    }
  }

  private String string() {
    expect('"');
    StringBuilder out = new StringBuilder();
    while (true) {
      char c = peek();
      at++;
      if (c == '"') {
        return out.toString();
      }
      if (c < 0x20) {
        throw error("a control character in a string");
      }
      out.append(c == '\\' ? escaped() : c);
    }
  }

  private char escaped() {
    char c = peek();
    at++;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        return c;
      case 'b':
        return '\b';
      case 'f':
        return '\f';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'u':
        int code = 0;
        for (int i = 0; i < 4; i++) {
          int digit = hexDigit(peek());
          if (digit < 0) {
            throw error("\\u needs four hexadecimal digits");
          }
          code = code * 16 + digit;
          at++;
        }
        return (char) code;
      default:
        throw error("there is no \\" + c);
    }
  }

  private static int hexDigit(char c) {
    return c < 128 ? Character.digit(c, 16) : -1;
  }

  private Object number() {
    int start = at;
    boolean whole = true;
    if (peek() == '-') {
      at++;
    }
    int digits = at;
    skipDigits();
    if (at == digits || (text.charAt(digits) == '0' && at > digits + 1)) {
      at = start;
      throw error("a value was expected");
    }
    if (at < text.length() && text.charAt(at) == '.') {
      whole = false;
      at++;
      int fraction = at;
      skipDigits();
      if (at == fraction) {
        throw error("digits were expected");
      }
    }
    if (at < text.length() && (text.charAt(at) == 'e' || text.charAt(at) == 'E')) {
      whole = false;
      at++;
      if (at < text.length() && (text.charAt(at) == '+' || text.charAt(at) == '-')) {
        at++;
      }
      int exponent = at;
      skipDigits();
      if (at == exponent) {
        throw error("digits were expected");
      }
    }
    String digitsText = text.substring(start, at);
    try {
      if (whole) {
        return Long.valueOf(digitsText);
      }
    } catch (NumberFormatException e) {
      throw error("a number beyond 64 bits");
    }
    double number = Double.parseDouble(digitsText);
    if (Double.isInfinite(number)) {
      throw error("a number beyond a double");
    }
    return number;
  }

  private void skipDigits() {
    while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      at++;
    }
  }

  private Object literal(String word, Object value) {
    if (!text.startsWith(word, at)) {
      throw error("a value was expected");
    }
    at += word.length();
    return value;
  }

  private void space() {
    while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private char peek() {
    if (at >= text.length()) {
      throw error("the text ends too early");
    }
    return text.charAt(at);
  }

  private void expect(char c) {
    if (peek() != c) {
      throw error("'" + c + "' was expected");
    }
    at++;
  }

  private JsonException error(String message) {
    int line = 1;
    for (int i = 0; i < Math.min(at, text.length()); i++) {
      line += text.charAt(i) == '\n' ? 1 : 0;
    }
    return new JsonException("line " + line + ", character " + at + ": " + message);
  }
}
