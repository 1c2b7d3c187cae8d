package io.github.voicelet.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
  @Test
  void readsWhatItWrites() {
    Map<String, Object> value = new LinkedHashMap<>();
    value.put("z", Arrays.asList(1L, -2.5, null, true, "a\"\\\n\u0001é\uD83D\uDE00"));
    value.put("a", new LinkedHashMap<>());
    assertEquals(value, Json.parse(JsonWriter.spaced().write(value)));
    assertEquals(value, Json.parse(JsonWriter.indented(2).unicode().write(value)));
  }

  @Test
  void writesAsPythonDoes() {
    Map<String, Object> value = new LinkedHashMap<>();
    value.put("b", Arrays.asList(1L, 0.1, "\u00e9\u007f"));
    value.put("\uD83D\uDE00", Arrays.asList());
    value.put("\uFF5E", false);
    value.put("a", null);
    assertEquals(
        "{\"a\": null, \"b\": [1, 0.1, \"\\u00e9\\u007f\"], \"\\uff5e\": false, \"\\ud83d\\ude00\": []}",
        JsonWriter.spaced().sortedKeys().write(value));
    assertEquals(
        "{\n \"b\": [\n  1,\n  0.1,\n  \"é\u007f\"\n ],\n \"\uD83D\uDE00\": [],\n \"\uFF5E\": false,\n \"a\": null\n}",
        JsonWriter.indented(1).unicode().write(value));
  }

  @ParameterizedTest
  @CsvSource({
    "1e16, 1e+16", "123456789012345.6, 123456789012345.6", "0.0001, 0.0001", "0.00001, 1e-05", "2e-3, 0.002",
    "5e-324, 5e-324", "1.7976931348623157e308, 1.7976931348623157e+308", "-0.0, -0.0", "100, 100.0",
    "9007199254740993, 9007199254740992.0", "0.30000000000000004, 0.30000000000000004", "2.0000000000000004e-100, 2.0000000000000003e-100"
  })
  void numbersAreAsPythonWritesThem(double value, String expected) {
    assertEquals(expected, JsonWriter.number(value));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", "{", "[1,]", "{\"a\":1,\"a\":2}", "01", "1.", "NaN", "Infinity", "1e999", "99999999999999999999", "\"\u0001\"",
        "\"\\x\"", "\"\\u12\"", "1 2", "{a:1}", "'a'", "-", "tru", "\"\\u００４１\""
      })
  void refusesWhatIsNotJson(String text) {
    assertThrows(JsonException.class, () -> Json.parse(text));
  }

  @Test
  void refusesDepthWithoutOverflow() {
    char[] open = new char[1_000_000];
    Arrays.fill(open, '[');
    assertThrows(JsonException.class, () -> Json.parse(new String(open)));
  }
}
