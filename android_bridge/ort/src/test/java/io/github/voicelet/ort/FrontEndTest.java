package io.github.voicelet.ort;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.VoiceletException;
import io.github.voicelet.json.Json;
import io.github.voicelet.text.PhoneInventory;
import io.github.voicelet.text.ReadLanguage;
import io.github.voicelet.text.ReadLanguages;
import io.github.voicelet.text.Reading;
import io.github.voicelet.text.TextReader;
import io.github.voicelet.text.pack.LanguageTags;
import io.github.voicelet.text.pack.Pack;
import io.github.voicelet.text.pack.PackFolders;
import io.github.voicelet.text.pronunciation.LetterModel;
import io.github.voicelet.text.pronunciation.Lexicon;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts become the clauses of phones that Python makes of them. */
class FrontEndTest {
  private static final Path LANGUAGES = Repository.ROOT.resolve("sdk/voicelet/languages");
  private static final String MULTILINGUAL =
      "_ .,?!;:\"()…—ˈˌbdfhjklmnpstvwzðŋɡɹʃʒʤʧθTʔAIOWYaeiuæɑɐɔəɚɛɜɪʊʌᵊᵻoyøœɒQɨ\u0303rɾʁxɣβçʝɲʎɥʦʣcː";

  private static final List<String> TOGETHER = Arrays.asList("es", "fr", "it", "pt-br");

  private static ReadLanguage language(String tag) {
    PackFolders folders = new PackFolders(LANGUAGES.toFile(), true);
    Pack pack = Pack.openKnown(folders.find(tag), folders);
    return new ReadLanguage(pack, new OrtEngine());
  }

  /** English as the embedded voice reads it; others by their own pack alone. */
  private static TextReader reader(String tag) {
    if (!tag.startsWith("en")) {
      return new TextReader(language(tag), null, null, new PhoneInventory(MULTILINGUAL));
    }
    LetterModel letters = new LetterModel(new OrtEngine().open(Repository.map("g2p.onnx"), 1, true));
    String phones = (String) new FolderFiles().manifest().get("phones");
    return new TextReader(language(tag), new Lexicon(Repository.map("lexicon.bin")), letters::phones, new PhoneInventory(phones));
  }

  @ParameterizedTest
  @ValueSource(strings = {"en", "en-gb", "es", "fr", "it", "pt-br"})
  void textsBecomeTheClausesOfPython(String tag) throws IOException {
    TextReader reader = reader(tag);
    List<String> differ = new ArrayList<>();
    int asked = 0;
    for (Map<String, Object> row : Golden.rows("text/" + tag + ".jsonl.gz")) {
      asked++;
      compare(reader, row, Reading.PLAIN, false, differ);
    }
    assertTrue(asked > 2500, "only " + asked + " texts");
    assertEquals("", differ.isEmpty() ? "" : differ.size() + " of " + asked + ": " + differ.subList(0, Math.min(20, differ.size())));
  }

  @ParameterizedTest
  @ValueSource(strings = {"en", "en-gb", "es", "fr", "it", "pt-br"})
  void specialReadingsBecomeTheClausesOfPython(String tag) throws IOException {
    TextReader reader = reader(tag);
    List<String> differ = new ArrayList<>();
    int asked = 0;
    for (Map<String, Object> row : Golden.rows("frontend.jsonl.gz")) {
      Map<String, Object> how = Json.object(row.get("reading"), "a reading");
      if (row.get("language").equals(tag)) {
        asked++;
        compare(reader, row, reading(how), (Boolean) how.get("detect"), differ);
      }
    }
    assertTrue(asked > 100, "only " + asked + " texts");
    assertEquals("", differ.isEmpty() ? "" : differ.size() + " of " + asked + ": " + differ.subList(0, Math.min(20, differ.size())));
  }

  /** All packs, and the languages that are read together. */
  private static final class Packs implements ReadLanguages, AutoCloseable {
    private final Map<String, ReadLanguage> opened = new LinkedHashMap<>();

    Packs() {
      for (String tag : TOGETHER) {
        opened.put(tag, language(tag));
      }
    }

    @Override
    public ReadLanguage find(String tag) {
      return opened.get(LanguageTags.match(tag, opened.keySet()));
    }

    @Override
    public List<ReadLanguage> readable() {
      return new ArrayList<>(opened.values());
    }

    @Override
    public void close() {
      opened.values().forEach(ReadLanguage::close);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"es", "fr", "it", "pt-br"})
  void languagesAreToldApartAndBrokenDocumentsRefusedAsInPython(String tag) throws IOException {
    List<String> differ = new ArrayList<>();
    int asked = 0;
    int wrong = 0;
    try (Packs packs = new Packs()) {
      TextReader reader = new TextReader(packs.find(tag), null, null, new PhoneInventory(MULTILINGUAL), packs);
      for (Map<String, Object> row : Golden.rows("languages.jsonl.gz")) {
        if (row.get("language").equals(tag)) {
          asked++;
          wrong += row.containsKey("error") ? 1 : 0;
          compare(reader, row, Reading.PLAIN, (Boolean) row.get("detect"), differ);
        }
      }
    }
    assertTrue(asked > 180 && wrong > 50, asked + " texts, " + wrong + " of them wrong");
    assertEquals("", differ.isEmpty() ? "" : differ.size() + " of " + asked + ": " + differ.subList(0, Math.min(20, differ.size())));
  }

  private static Reading reading(Map<String, Object> how) {
    return new Reading(
        Reading.Punctuation.valueOf(((String) how.get("punctuation")).toUpperCase(Locale.ROOT)),
        Reading.Capitals.valueOf(((String) how.get("capitals")).toUpperCase(Locale.ROOT)),
        (Boolean) how.get("key"));
  }

  private static void compare(TextReader reader, Map<String, Object> row, Reading reading, boolean detect, List<String> differ) {
    String text = (String) row.get("text");
    List<Object> clauses = new ArrayList<>();
    String error = "";
    try {
      reader
          .clauses(text, TextReader.looksLikeSsml(text), reading, detect, false)
          .forEachRemaining(clause -> clauses.add(Golden.row(clause)));
    } catch (VoiceletException e) {
      error = e.getClass().getSimpleName().replace("Exception", "Error");
    }
    List<Object> expected = new ArrayList<>();
    if (row.containsKey("clauses")) {
      for (Object clause : Json.array(row.get("clauses"), "clauses")) {
        expected.add(Golden.expected(clause));
      }
    }
    Object expectedError = row.containsKey("error") ? row.get("error") : "";
    if (!expectedError.equals(error) || (error.isEmpty() && !expected.equals(clauses))) {
      differ.add("\n" + text + "\n  expected " + expectedError + expected + "\n  but got  " + error + clauses);
    }
  }
}
