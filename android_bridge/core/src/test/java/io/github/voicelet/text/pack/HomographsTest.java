package io.github.voicelet.text.pack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.PackException;
import io.github.voicelet.json.Json;
import io.github.voicelet.text.pack.homograph.Homographs;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The senses of homographs are those that Python finds. */
class HomographsTest {
  private static final File REPOSITORY = new File(System.getProperty("voicelet.repository"));

  private static Pack pack(String tag) {
    File packs = new File(REPOSITORY, "sdk/voicelet/languages");
    return Pack.openKnown(new FolderFiles(new File(packs, tag)), FolderFiles.parentsIn(packs));
  }

  private static List<String> strings(Object raw) {
    List<String> strings = new ArrayList<>();
    for (Object value : Json.array(raw, "words")) {
      strings.add((String) value);
    }
    return strings;
  }

  private static byte[] golden() throws IOException {
    File file = new File(REPOSITORY, "tests/golden/text/senses.json.gz");
    try (InputStream in = new GZIPInputStream(Files.newInputStream(file.toPath()))) {
      return in.readAllBytes();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"en", "pt-br"})
  void sensesAreThoseOfPython(String tag) throws IOException {
    Homographs homographs = pack(tag).homographs();
    List<String> differ = new ArrayList<>();
    int withSenses = 0;
    List<Object> rows = Json.array(Json.parseObject(golden()).get(tag), tag);
    for (Object raw : rows) {
      List<Object> row = Json.array(raw, "a row");
      List<String> texts = strings(row.get(0));
      int place = ((Long) row.get(2)).intValue();
      List<String> expected = strings(row.get(3));
      withSenses += expected.isEmpty() ? 0 : 1;
      List<String> found = homographs.senses(strings(row.get(1)), place, texts);
      if (!found.equals(expected)) {
        differ.add(texts + ", " + texts.get(place) + ": " + found + ", not " + expected);
      }
    }
    assertTrue(rows.size() >= 1000 && withSenses > 200, withSenses + " of " + rows.size());
    assertEquals(Collections.emptyList(), differ);
  }

  private static Homographs of(String json) {
    return new Homographs(
        Json.parseObject(json.getBytes(StandardCharsets.UTF_8)), null, "homographs.json", true);
  }

  private static List<String> senses(Homographs homographs, int place, String... words) {
    return homographs.senses(Arrays.asList(words), place, Arrays.asList(words));
  }

  @Test
  void theFirstRuleThatHoldsDecides() {
    Homographs homographs =
        of(
            "{\"classes\": {\"have\": \"has had\"}, \"words\": {\"read\": {\"rules\": ["
                + "{\"sense\": null, \"when\": [\"w+1 -\"]},"
                + "{\"sense\": \"past\", \"when\": [\"before-2 @have | first\", \"not capital\"]}]}}}");
    assertEquals(Arrays.asList("past"), senses(homographs, 2, "she", "had", "read", "it"));
    assertEquals(Arrays.asList("past"), senses(homographs, 0, "read", "it"));
    assertEquals(Collections.emptyList(), senses(homographs, 2, "she", "had", "read"));
    assertEquals(Collections.emptyList(), senses(homographs, 3, "had", "she", "not", "read", "it"));
  }

  @Test
  void adverbsAreSkipped() {
    Homographs homographs =
        of(
            "{\"adverbs\": {\"words\": \"never\", \"endings\": \"ly\", \"letters\": 5}, \"words\": {\"read\":"
                + " {\"rules\": [{\"sense\": \"past\", \"when\": [\"skip-1 had\"]}]}}}");
    assertEquals(Arrays.asList("past"), senses(homographs, 3, "had", "never", "quickly", "read"));
    assertEquals(Collections.emptyList(), senses(homographs, 2, "had", "fly", "read"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"wrods\": {}} | did you mean 'words'",
        "{\"words\": {\"a\": {\"rules\": [{\"sense\": \"x\", \"when\": [\"w-1 @b\"]}]}}} | no class is named '@b'",
        "{\"words\": {\"a\": {\"rules\": [{\"sense\": \"x\", \"when\": [\"w-0 b\"]}]}}} | is no place",
        "{\"words\": {\"a\": {\"rules\": [{\"sense\": \"x\", \"when\": [\"skip-3 b\"]}]}}} | is no place",
        "{\"words\": {\"a\": {\"rules\": [{\"when\": []}]}}} | 'sense' is missing",
        "{\"words\": {\"a\": {\"senses\": [\"x\"]}}} | two senses or more",
      })
  void whatIsWrongIsNamed(String json, String message) {
    PackException error = assertThrows(PackException.class, () -> of(json.trim()));
    assertTrue(error.getMessage().contains(message.trim()), error.getMessage());
    assertTrue(error.getMessage().startsWith("homographs.json"), error.getMessage());
  }

  @Test
  void damagedWeightsAreRefused() throws IOException {
    Pack english = pack("en");
    byte[] weights = english.file("homographs.weights");
    Map<String, Object> raw = english.inherited("homographs.json");
    new Homographs(raw, weights, "homographs.json", false);
    byte[] cut = Arrays.copyOf(weights, weights.length - 1);
    assertThrows(PackException.class, () -> new Homographs(raw, cut, "homographs.json", false));
    byte[] turned = weights.clone();
    turned[12] ^= 0x7F;
    turned[15] ^= 0x7F;
    assertThrows(PackException.class, () -> new Homographs(raw, turned, "homographs.json", false));
  }
}
