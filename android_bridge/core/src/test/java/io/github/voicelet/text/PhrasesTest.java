package io.github.voicelet.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.PackException;
import io.github.voicelet.json.Json;
import io.github.voicelet.text.pronunciation.Linked;
import io.github.voicelet.text.pronunciation.PhraseWord;
import io.github.voicelet.text.pronunciation.Phrases;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The phrase rules of the packs of this repository: what they do to phrases is the same as in Python. */
class PhrasesTest {
  private static final Path ROOT = Paths.get(System.getProperty("voicelet.repository"));

  @ParameterizedTest
  @ValueSource(strings = {"en", "es", "fr", "it", "pt-br"})
  void phrasesAreJoinedAsInPython(String language) throws IOException {
    Path path = ROOT.resolve("sdk/voicelet/languages").resolve(language).resolve("weak.json");
    Phrases phrases = new Phrases(Json.parseObject(Files.readAllBytes(path)), path.toString(), true);
    int rows = 0;
    int changed = 0;
    for (Map<String, Object> row : golden(language)) {
      List<PhraseWord> words = new ArrayList<>();
      for (Object fields : Json.array(row.get("words"), "words")) {
        words.add(word(Json.array(fields, "a word"), phrases));
      }
      List<String> forms = forms(row, words, phrases);
      changed += links(row, words, phrases);
      assertEquals(row.get("rewritten"), phrases.rewritten(forms));
      rows++;
    }
    assertTrue(rows > 100, rows + " rows");
    boolean links = language.equals("en") || language.equals("fr"); // the others link few words, and none of these
    assertTrue(changed > 0 || !links, changed + " changed");
  }

  private static PhraseWord word(List<Object> fields, Phrases phrases) {
    Set<String> classes = new HashSet<>();
    for (Object name : Json.array(fields.get(3), "classes")) {
      classes.add((String) name);
    }
    assertTrue(classes.containsAll(phrases.classesOf((String) fields.get(0))), fields.toString());
    return new PhraseWord((String) fields.get(0), (String) fields.get(1), (String) fields.get(2), classes);
  }

  private static List<String> forms(Map<String, Object> row, List<PhraseWord> words, Phrases phrases) {
    List<String> forms = new ArrayList<>();
    List<Object> expected = Json.array(row.get("forms"), "forms");
    for (int i = 0; i < words.size(); i++) {
      List<Object> both = Json.array(expected.get(i), "a form");
      assertEquals(both.get(0), phrases.inPhrase(words, i, false), row.toString());
      assertEquals(both.get(1), phrases.inPhrase(words, i, true), row.toString());
      forms.add((String) both.get(0));
    }
    return forms;
  }

  private static int links(Map<String, Object> row, List<PhraseWord> words, Phrases phrases) {
    int changed = 0;
    List<Object> links = Json.array(row.get("links"), "links");
    for (int i = 0; i < links.size(); i++) {
      List<Object> link = Json.array(links.get(i), "a link");
      int place = i / 3;
      Linked met = phrases.linked(words.get(place), words.get(place + 1), (String) link.get(0));
      assertEquals(link.subList(1, 4), java.util.Arrays.<Object>asList(met.before, met.after, met.joined), row.toString());
      List<Object> fields = Json.array(Json.array(row.get("words"), "words").get(place), "a word");
      changed += met.before.equals(fields.get(1)) ? 0 : 1;
    }
    return changed;
  }

  private static List<Map<String, Object>> golden(String language) throws IOException {
    List<Map<String, Object>> rows = new ArrayList<>();
    for (String line : Packs.golden("phrases.jsonl.gz")) {
      Map<String, Object> row = Json.object(Json.parse(line), "a row");
      if (row.get("language").equals(language)) {
        rows.add(row);
      }
    }
    return rows;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}", "{\"format\":1,\"x\":1}", "{\"format\":1,\"forms\":[{\"word\":\"a\"}]}", "{\"format\":1,\"forms\":[{\"word\":\"a\",\"stress\":\"loud\"}]}",
        "{\"format\":1,\"forms\":[{\"word\":\"@a\",\"say\":\"b\"}]}", "{\"format\":1,\"links\":[{\"put\":\"x\"}]}",
        "{\"format\":1,\"links\":[{\"at\":\"here\"}]}", "{\"format\":1,\"joined\":[[\"a\"]]}"
      })
  void whatIsWrongIsRefused(String text) {
    assertThrows(PackException.class, () -> new Phrases(Json.object(Json.parse(text), "rules"), "weak.json", true));
  }

  @Test
  void groupsAreFoundByTheirWords() throws IOException {
    Map<String, Object> data = Json.object(Json.parse("{\"format\":1,\"clitics\":{\"out of the\":\"Wt|ə ðə\"}}"), "rules");
    Phrases phrases = new Phrases(data, "weak.json", true);
    List<Phrases.GroupPart> parts = phrases.group(java.util.Arrays.asList("out", "of", "the"));
    assertEquals(3, phrases.longestGroup());
    assertEquals(3, parts.size());
    assertEquals("ə", parts.get(1).phones);
    assertTrue(parts.get(1).joined && !parts.get(2).joined);
  }
}
