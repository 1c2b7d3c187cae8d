package io.github.voicelet.ort;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.BundleException;
import io.github.voicelet.PackException;
import io.github.voicelet.json.Json;
import io.github.voicelet.text.pronunciation.Inflection;
import io.github.voicelet.text.pronunciation.LetterModel;
import io.github.voicelet.text.pronunciation.LetterRules;
import io.github.voicelet.text.pronunciation.Lexicon;
import io.github.voicelet.text.pronunciation.WordList;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Words of the packs of this repository, and of the embedded voice: the same phones as in Python. */
class PronunciationTest {
  private static final Path LANGUAGES = Repository.ROOT.resolve("sdk/voicelet/languages");

  @ParameterizedTest
  @ValueSource(strings = {"en", "es", "fr", "it", "pt-br"})
  void wordsAreSaidAsInPython(String language) throws IOException {
    List<Function<String, String>> lexicons = lexicons(language);
    Function<String, String> letters = letters(language);
    Inflection inflection = inflection(language);
    Inflection.Lookup lookup = key -> lookUp(lexicons, key);
    int known = 0;
    int inflected = 0;
    int rows = 0;
    for (List<Object> row : golden(language)) {
      String word = (String) row.get(1);
      String said = lookup.get(word);
      assertEquals(row.get(2), said, word);
      assertEquals(row.get(3), letters.apply(word), word);
      String regular = inflection == null ? null : inflection.inflected(word, lookup, Collections.<String>emptyList());
      assertEquals(row.get(4), regular, word);
      inflected += regular == null ? 0 : 1;
      known += said == null ? 0 : 1;
      rows++;
    }
    assertTrue(rows >= 1000 && known > 0 && known < rows, rows + " words, " + known + " known");
    assertTrue(inflection == null || inflected > 100, inflected + " inflected");
  }

  private static String lookUp(List<Function<String, String>> lexicons, String key) {
    for (Function<String, String> lexicon : lexicons) {
      String said = lexicon.apply(key);
      if (said != null) {
        return said;
      }
    }
    return null;
  }

  private static Inflection inflection(String language) throws IOException {
    Path path = LANGUAGES.resolve(language).resolve("inflection.json");
    return Files.exists(path) ? new Inflection(Json.parseObject(Files.readAllBytes(path)), path.toString(), true) : null;
  }

  private static List<Function<String, String>> lexicons(String language) throws IOException {
    List<Function<String, String>> lexicons = new ArrayList<>();
    for (String name : new String[] {"lexicon.tsv", "names.tsv"}) {
      Path path = LANGUAGES.resolve(language).resolve(name);
      if (Files.exists(path)) {
        lexicons.add(new WordList(Files.readAllBytes(path), path.toString())::get);
      }
    }
    Path compiled = LANGUAGES.resolve(language).resolve("lexicon.bin");
    if (Files.exists(compiled)) {
      lexicons.add(new Lexicon(ByteBuffer.wrap(Files.readAllBytes(compiled)))::get);
    }
    if (language.equals("en")) {
      lexicons.add(new Lexicon(Repository.map("lexicon.bin"))::get);
    }
    return lexicons;
  }

  private static Function<String, String> letters(String language) throws IOException {
    Path rules = LANGUAGES.resolve(language).resolve("letters.json");
    if (Files.exists(rules)) {
      return new LetterRules(Json.parseObject(Files.readAllBytes(rules)), rules.toString(), true)::phones;
    }
    ByteBuffer graph =
        language.equals("en")
            ? Repository.map("g2p.onnx")
            : ByteBuffer.wrap(Files.readAllBytes(LANGUAGES.resolve(language).resolve("g2p.onnx")));
    return new LetterModel(new OrtEngine().open(graph, 1, true))::phones;
  }

  private static List<List<Object>> golden(String language) throws IOException {
    List<List<Object>> rows = new ArrayList<>();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(Repository.GOLDEN.resolve("pronunciation.jsonl.gz"))),
                StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        List<Object> row = Json.array(Json.parse(line), "a row");
        if (row.get(0).equals(language)) {
          rows.add(row);
        }
      }
    }
    return rows;
  }

  @Test
  void aDamagedLexiconIsRefused() throws IOException {
    byte[] sound = Files.readAllBytes(LANGUAGES.resolve("it/lexicon.bin"));
    assertNotNull(new Lexicon(ByteBuffer.wrap(sound)));
    assertNull(new Lexicon(ByteBuffer.wrap(sound)).get("no such word"));
    for (int at : new int[] {0, 4, 6, 9, 17, 21, 30, 200, sound.length - 1}) {
      byte[] damaged = sound.clone();
      damaged[at] ^= 0x41;
      assertThrows(BundleException.class, () -> new Lexicon(ByteBuffer.wrap(damaged)), "byte " + at);
    }
    for (int length : new int[] {0, 10, 23, 100, sound.length - 1}) {
      ByteBuffer cut = ByteBuffer.wrap(sound, 0, length);
      assertThrows(BundleException.class, () -> new Lexicon(cut), length + " bytes");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}", "{\"format\":2}", "{\"format\":1,\"x\":1}", "{\"format\":1,\"passes\":{}}", "{\"format\":1,\"passes\":[[]]}",
        "{\"format\":1,\"passes\":[{\"rules\":[[\"\",\"a\",\"\"]]}]}", "{\"format\":1,\"passes\":[{\"rules\":[[\"\",\"{{x}}\",\"\",\"\"]]}]}",
        "{\"format\":1,\"passes\":[{\"rules\":[[\"\",\"\",\"\",\"\"]]}]}", "{\"format\":1,\"passes\":[{\"left\":\"up\"}]}"
      })
  void oddLetterRulesAreRefused(String text) {
    Map<String, Object> data = new HashMap<>(Json.object(Json.parse(text), "rules"));
    assertThrows(RuntimeException.class, () -> new LetterRules(data, "letters.json", true));
    try {
      new LetterRules(data, "letters.json", true);
    } catch (PackException | io.github.voicelet.json.JsonException e) {
      return; // one of voicelet's own, that says what is wrong
    }
  }
}
