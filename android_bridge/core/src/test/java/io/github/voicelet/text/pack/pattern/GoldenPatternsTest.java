package io.github.voicelet.text.pack.pattern;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.PackException;
import io.github.voicelet.json.Json;
import io.github.voicelet.text.CodePoints;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

/** Patterns are refused, counted and matched as in Python. */
class GoldenPatternsTest {
  private static final Macros.WordSets NO_SETS = name -> Collections.<String>emptySet();

  private static List<Object> rows() throws IOException {
    File file = new File(System.getProperty("voicelet.repository"), "tests/golden/text/patterns.json.gz");
    try (InputStream in = new GZIPInputStream(Files.newInputStream(file.toPath()))) {
      return Json.array(Json.parse(in.readAllBytes()), "patterns");
    }
  }

  private static PortablePattern pattern(String source, boolean check) {
    Macros macros = new Macros(Collections.<String, String>emptyMap(), NO_SETS, check);
    return new PortablePattern(source, macros, "a rule");
  }

  @Test
  void patternsCostWhatTheyCostInPython() throws IOException {
    List<String> differ = new ArrayList<>();
    int refused = 0;
    for (Object raw : rows()) {
      Map<String, Object> row = Json.object(raw, "a row");
      String source = (String) row.get("pattern");
      long steps;
      try {
        steps = Parser.check(source).steps;
      } catch (PackException e) {
        steps = -1;
        refused++;
      }
      if (steps != (Long) row.get("steps")) {
        differ.add(source + ": " + steps + " steps, not " + row.get("steps"));
      }
    }
    assertTrue(refused > 100, refused + " refused");
    assertEquals(Collections.emptyList(), differ);
  }

  @Test
  void patternsMatchWhatTheyMatchInPython() throws IOException {
    List<String> differ = new ArrayList<>();
    int texts = 0;
    for (Object raw : rows()) {
      Map<String, Object> row = Json.object(raw, "a row");
      if (!row.containsKey("texts")) {
        continue;
      }
      PortablePattern checked = pattern((String) row.get("pattern"), true);
      PortablePattern known = pattern((String) row.get("pattern"), false);
      for (Object asked : Json.array(row.get("texts"), "texts")) {
        List<Object> columns = Json.array(asked, "a text");
        String text = (String) columns.get(0);
        texts++;
        compare(checked, known, text, Json.array(columns.get(1), "spans"), differ);
        if (!columns.get(2).equals(checked.isIn(text)) || !columns.get(3).equals(checked.fullMatch(text) != null)) {
          differ.add(row.get("pattern") + " in '" + text + "'");
        }
      }
    }
    assertTrue(texts > 3000, texts + " texts");
    assertEquals(Collections.emptyList(), differ);
  }

  private static void compare(
      PortablePattern checked, PortablePattern known, String text, List<Object> spans, List<String> differ) {
    for (int place = 0; place < spans.size(); place++) {
      int at = CodePoints.toUtf16(text, place);
      Match match = checked.match(text, at);
      String found = "none";
      if (match != null) {
        List<String> groups = new ArrayList<>();
        for (int i = 1; i <= checked.groups().size(); i++) {
          groups.add(match.group(i));
        }
        found = CodePoints.fromUtf16(text, match.end()) + " " + groups;
      }
      String expected = "none";
      if (spans.get(place) != null) {
        List<Object> span = Json.array(spans.get(place), "a span");
        expected = span.get(0) + " " + span.get(1);
      }
      if (!found.equals(expected)) {
        differ.add("at " + place + " of '" + text + "': " + found + ", not " + expected);
      }
      boolean begins = match != null && match.end() > at;
      if (begins && !(checked.mayBegin(text.codePointAt(at)) && known.mayBegin(text.codePointAt(at)))) {
        differ.add("at " + place + " of '" + text + "' it may begin");
      }
    }
  }

  @Test
  void macrosAreWrittenOut() {
    Macros.WordSets sets =
        name -> {
          Set<String> words = new java.util.HashSet<>();
          Collections.addAll(words, "km", "k", "m²", "a.b");
          return words;
        };
    Map<String, String> own = Collections.singletonMap("end", "(?![a-z])");
    Macros macros = new Macros(own, sets, true);
    assertEquals("(?:a\\.b|km|m²|k)(?![a-z])", macros.expand("{{keys:units}}{{end}}", true));
    assertEquals("{{keys:units}}(?![a-z])", macros.expand("{{keys:units}}{{end}}", false));
    assertEquals("[k]", macros.expand("[{{chars:units}}]", true));
    assertEquals("(?:[aA]\\.[bB]|[kK][mM]|[mM]²|[kK])", macros.expand("{{keys-any-case:units}}", true));
    assertEquals("(?![\\s\\S])", macros.expand("{{END}}", true));
  }
}
