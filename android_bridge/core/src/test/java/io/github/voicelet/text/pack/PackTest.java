package io.github.voicelet.text.pack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.ConfigException;
import io.github.voicelet.PackException;
import io.github.voicelet.text.Reader;
import io.github.voicelet.text.Reading;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Packs complete one another, take a user's rules, and are found by their tags. */
class PackTest {
  private static final File PACKS = new File(System.getProperty("voicelet.repository"), "sdk/voicelet/languages");

  private static Pack pack(String tag) {
    return Pack.openKnown(new FolderFiles(new File(PACKS, tag)), FolderFiles.parentsIn(PACKS));
  }

  private static MemoryFiles child(String settings) {
    return new MemoryFiles("packs/qab").put("pack.json", MemoryFiles.json(settings));
  }

  private static Pack openChild(MemoryFiles child) {
    return Pack.open(child, tag -> tag.equals("qaa") ? new MemoryFiles() : null);
  }

  @Test
  void aChildCompletesItsParent() {
    MemoryFiles child =
        child("{'format': 1, 'language': 'qab', 'inherits': 'qaa', 'numbers': {'decimal_word': 'punto'}, 'dot': 'dut'}")
            .put("tables/units.tsv", "key\tother\tone\nkm\tKAS\tKA\n")
            .put("rules.json", MemoryFiles.json("{'rules': [{'id': 'x', 'at': 'digit', 'match': '7', 'cases': [{'say': 'zo'}]}]}"));
    Pack pack = openChild(child);
    assertEquals("n", pack.config().numbers.cardinal);
    assertEquals("punto", pack.config().numbers.decimalWord);
    assertEquals("qaa", pack.config().inherits);
    assertEquals("zo , ba KA , ^b mas", Reader.say("7, 1 km, 2 m", pack));
  }

  @Test
  void aRuleOfTheSameNameTakesThePlace() {
    String rule = "{'rules': [{'id': 'n', 'at': 'digit', 'match': '(?<n>[0-9]{1,3})', 'cases': [{'say': 'zo'}]}]}";
    Pack pack =
        openChild(
            child("{'format': 1, 'language': 'qab', 'inherits': 'qaa'}").put("rules.json", MemoryFiles.json(rule)));
    assertEquals("zo km", Reader.say("12 km", pack));
  }

  @Test
  void filesAreThoseOfTheNearest() {
    Pack british = pack("en-gb");
    assertTrue(british.file("homographs.json").length > 1000);
    assertNull(british.ownFile("homographs.json"));
    assertEquals(2, british.files("lexicon.tsv").size());
    assertNull(british.file("none.json"));
    assertEquals("en-GB", british.inherited("pack.json").get("language"));
  }

  @Test
  void aUsersRulesComeFirst() {
    String json =
        "{'language': 'en', 'macros': {'end': '(?![A-Za-z])'}, 'rules': [{'id': 'level', 'at': 'letter', 'match':"
            + " 'lvl{{end}}', 'cases': [{'say': 'level'}]}, {'id': 'hit-points', 'at': 'digit', 'match': '(?<n>[0-9]{1,6})"
            + " ?hp{{end}}', 'cases': [{'say': '{n|number} hit points'}]}]}";
    byte[] bytes = MemoryFiles.json(json).getBytes(StandardCharsets.UTF_8);
    UserRules rules = UserRules.read(bytes, "mine.json");
    assertEquals("en", rules.language);
    Pack pack = pack("en").withUserRules(Collections.singletonList(rules));
    assertEquals("At level seven it has forty hit points .", Reader.say("At lvl 7 it has 40hp.", pack));
    byte[] wrong = MemoryFiles.json(json.replace("|number", "|nunber")).getBytes(StandardCharsets.UTF_8);
    List<UserRules> others = Collections.singletonList(UserRules.read(wrong, "mine.json"));
    String message = assertThrows(PackException.class, () -> pack.withUserRules(others)).getMessage();
    assertTrue(message.startsWith("mine.json, rule 'hit-points', case 1") && message.contains("'number'"), message);
  }

  @Test
  void namesOfMarksAndHeadingsOfChaptersAreKnown() {
    Pack english = pack("en");
    assertEquals(Reading.Punctuation.ALL, english.characters().marks.get(",").level);
    assertTrue(english.characters().keys.size() > 20);
    assertTrue(english.isChapterHeading("CHAPTER IV"));
    assertFalse(english.isChapterHeading("chapters are long"));
    assertTrue(english.config().melody.questionWords.contains("why"));
  }

  @ParameterizedTest
  @CsvSource({"en-US, en", "EN_gb, en-gb", "pt, pt-br", "es-MX, es", "fr-Latn-CA, fr"})
  void theNearestPackReadsALanguage(String tag, String pack) {
    assertEquals(pack, LanguageTags.match(tag, Arrays.asList("en", "en-gb", "es", "fr", "pt-br")));
  }

  @Test
  void aLanguageThatNoPackReadsIsNamed() {
    String message =
        assertThrows(ConfigException.class, () -> LanguageTags.match("de-AT", Arrays.asList("en", "es"))).getMessage();
    assertTrue(message.contains("'de-AT'") && message.contains("en, es"), message);
  }
}
