package io.github.voicelet.ort;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.github.voicelet.ConfigException;
import io.github.voicelet.PackException;
import io.github.voicelet.bundle.Bundle;
import io.github.voicelet.bundle.BundleTrust;
import io.github.voicelet.engine.BundleVoice;
import io.github.voicelet.engine.EngineVoice;
import io.github.voicelet.engine.SpeakingVoice;
import io.github.voicelet.engine.SpeechEngine;
import io.github.voicelet.engine.SpeechRequest;
import io.github.voicelet.engine.SpeechSink;
import io.github.voicelet.engine.VoiceShelf;
import io.github.voicelet.json.Json;
import io.github.voicelet.synth.Audio;
import io.github.voicelet.synth.SpeechOptions;
import io.github.voicelet.synth.TextFrontEnd;
import io.github.voicelet.synth.Voice;
import io.github.voicelet.synth.VoiceFiles;
import io.github.voicelet.synth.WordTiming;
import io.github.voicelet.text.PhoneClause;
import io.github.voicelet.text.pack.PackFolders;
import io.github.voicelet.text.pack.PackLibrary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The shipped voice speaks plain text: a bundle, the packs, the graphs and the mark together. */
class SpokenTextTest {
  private static final String PARAGRAPH =
      "Dr. Smith paid $5 for 2 pears on 3 May 2021. 😀 \"Was it worth it?\" she asked, and laughed;"
          + " the pears, the plums and the figs were gone by noon.";

  private static Voice voice;

  @BeforeAll
  static void open() {
    voice = Voice.load(bundle().voiceFiles(), new OrtEngine(), packs());
  }

  @AfterAll
  static void close() {
    voice.close();
  }

  private static Bundle bundle() {
    return Bundle.open(Repository.VOICE.toFile(), BundleTrust.packaged().requiringSignature());
  }

  private static PackLibrary packs() {
    return new PackFolders(Repository.ROOT.resolve("sdk/voicelet/languages").toFile(), true);
  }

  private static List<String> phones(TextFrontEnd frontEnd, String text, SpeechOptions options) {
    List<String> phones = new ArrayList<>();
    for (Iterator<PhoneClause> clauses = frontEnd.clauses(text, options); clauses.hasNext(); ) {
      phones.add(clauses.next().phones);
    }
    return phones;
  }

  @Test
  void aParagraphIsSpokenAndItsWordsStandInTheText() {
    Audio audio = voice.synthesize(PARAGRAPH, SpeechOptions.DEFAULT);
    double seconds = audio.samples().length / 24_000.0;
    assertTrue(seconds > 8 && seconds < 16, seconds + " s");
    List<String> said = new ArrayList<>();
    double before = 0;
    for (WordTiming word : audio.words()) {
      said.add(PARAGRAPH.substring(word.start(), word.end()));
      assertTrue(word.startS() >= before && word.endS() <= seconds + 1e-3, word.text() + " at " + word.startS());
      before = word.startS();
    }
    assertEquals(Arrays.asList("Dr.", "Smith", "paid", "$5", "$5"), said.subList(0, 5));
    assertEquals(Arrays.asList("Was", "it", "worth"), said.subList(said.indexOf("Was"), said.indexOf("Was") + 3));
    assertEquals(Arrays.asList("gone", "by", "noon"), said.subList(said.size() - 3, said.size()));
    double energy = 0;
    for (float sample : audio.samples()) {
      energy += sample * sample;
    }
    double rms = Math.sqrt(energy / audio.samples().length);
    assertTrue(rms > 0.02 && rms < 0.3, "rms " + rms);
  }

  @Test
  void aTextIsSpokenAsItsGoldenClausesAre() throws IOException {
    SynthCases.Case spoken = new SynthCases().get("long");
    Audio expected = voice.synthesizePhones(spoken.clauses.iterator(), spoken.options);
    assertEquals(spoken.samples, expected.samples().length);
    Audio audio = voice.synthesize(spoken.text, spoken.options);
    assertEquals(expected.samples().length, audio.samples().length);
    for (int i = 0; i < audio.samples().length; i++) {
      assertEquals(expected.samples()[i], audio.samples()[i], 1e-6f, "sample " + i);
    }
  }

  @Test
  void aPhoneHearsTheParagraphAndIsToldItsWords() {
    EngineVoice michael = new EngineVoice("michael", Locale.US, false);
    BundleVoice speaking = new BundleVoice(voice, SpeechOptions.builder().preset("am_michael").build());
    SpeechEngine engine = new SpeechEngine(new Shelf(michael, speaking), (message, cause) -> fail(message, cause));
    Heard heard = new Heard();
    engine.synthesize(new SpeechRequest(PARAGRAPH, "", "eng", "USA", 100, 100), heard);
    assertTrue(heard.samples > 8 * 24_000 && heard.samples < 16 * 24_000, heard.samples + " samples");
    assertEquals(Arrays.asList("Dr.", "Smith", "paid", "$5"), heard.words.subList(0, 4));
    assertTrue(heard.words.contains("laughed") && heard.words.contains("noon"), heard.words.toString());
    assertTrue(heard.isOver);
  }

  /** One voice, ready to speak. */
  private static final class Shelf implements VoiceShelf {
    private final EngineVoice voice;
    private final SpeakingVoice speaking;

    Shelf(EngineVoice voice, SpeakingVoice speaking) {
      this.voice = voice;
      this.speaking = speaking;
    }

    @Override
    public List<EngineVoice> voices() {
      return Collections.singletonList(voice);
    }

    @Override
    public SpeakingVoice open(EngineVoice wanted) {
      return speaking;
    }
  }

  /** What comes out of the engine. */
  private static final class Heard implements SpeechSink {
    final List<String> words = new ArrayList<>();
    int samples;
    boolean isOver;

    @Override
    public int maxBufferSize() {
      return 8192;
    }

    @Override
    public int start(int sampleRateHz) {
      return sampleRateHz == 24_000 ? SUCCESS : ERROR_SYNTHESIS;
    }

    @Override
    public int audioAvailable(byte[] buffer, int offset, int length) {
      samples += length / 2;
      return SUCCESS;
    }

    @Override
    public void rangeStart(int frame, int start, int end) {
      words.add(PARAGRAPH.substring(start, end));
    }

    @Override
    public void error(int code) {
      fail("error " + code);
    }

    @Override
    public int done() {
      isOver = true;
      return SUCCESS;
    }
  }

  @Test
  void aPresetAndALanguageChooseTheVariety() {
    try (Opened opened = new Opened()) {
      SpeechOptions american = SpeechOptions.DEFAULT;
      SpeechOptions emma = SpeechOptions.builder().preset("bf_emma").build();
      SpeechOptions british = SpeechOptions.builder().language("en-GB").build();
      String text = "My schedule of 3/4/2021.";
      List<String> own = phones(opened.frontEnd, text, american);
      assertEquals(phones(opened.frontEnd, text, british), phones(opened.frontEnd, text, emma));
      assertEquals(own, phones(opened.frontEnd, text, SpeechOptions.builder().language("en-US").build()));
      assertTrue(own.get(0).startsWith("mI skˈɛʤul"), own.toString());
      assertTrue(phones(opened.frontEnd, text, british).get(0).startsWith("mI ʃˈɛʤul"), own + " in both varieties");
      SpeechOptions french = SpeechOptions.builder().language("fr").build();
      ConfigException refused = assertThrows(ConfigException.class, () -> opened.frontEnd.clauses(text, french));
      assertTrue(refused.getMessage().contains("it speaks en-US"), refused.getMessage());
    }
  }

  /** A front end of the shipped voice, to be closed. */
  private static final class Opened implements AutoCloseable {
    final TextFrontEnd frontEnd = TextFrontEnd.open(bundle().voiceFiles(), new OrtEngine(), packs());

    @Override
    public void close() {
      frontEnd.close();
    }
  }

  /** The shipped voice with a language pack inside. */
  private static final class WithPack implements VoiceFiles {
    private final FolderFiles voice = new FolderFiles();
    private final Path pack = Repository.ROOT.resolve("sdk/voicelet/languages/en");
    private final Map<String, Object> manifest = new LinkedHashMap<>(voice.manifest());
    private final String settings;

    WithPack(String settings) throws IOException {
      this.settings = settings;
      Map<String, Object> data = new LinkedHashMap<>(Json.object(manifest.get("data"), "data"));
      try (Stream<Path> files = Files.walk(pack)) {
        files.filter(Files::isRegularFile).forEach(path -> data.put(role(path), Collections.singletonMap("file", role(path))));
      }
      manifest.put("data", data);
    }

    private String role(Path file) {
      return "text/en/" + pack.relativize(file).toString().replace('\\', '/');
    }

    @Override
    public Map<String, Object> manifest() {
      return manifest;
    }

    @Override
    public ByteBuffer graph(String role) {
      return voice.graph(role);
    }

    @Override
    public ByteBuffer data(String role) {
      if (!role.startsWith("text/")) {
        return voice.data(role);
      }
      try {
        byte[] bytes = Files.readAllBytes(pack.resolve(role.substring("text/en/".length())));
        String text = new String(bytes, StandardCharsets.UTF_8);
        return ByteBuffer.wrap(
            role.endsWith("pack.json") ? text.replace("\"decimal_word\": \"point\"", settings).getBytes(StandardCharsets.UTF_8) : bytes);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  @Test
  void aPackInsideTheBundleGoesFirstAndIsPassedOverWhereItIsWrong() throws IOException {
    String text = "It is 3.5 metres.";
    PackLibrary none = new PackFolders(Repository.GOLDEN.toFile(), true); // holds no pack
    try (Opened shipped = new Opened()) {
      List<String> own = phones(shipped.frontEnd, text, SpeechOptions.DEFAULT);
      TextFrontEnd bundled = TextFrontEnd.open(new WithPack("\"decimal_word\": \"comma\""), new OrtEngine(), none);
      List<String> said = phones(bundled, text, SpeechOptions.DEFAULT);
      bundled.close();
      assertTrue(own.get(0).contains("pˈYnt") && said.get(0).contains("kˈɑmə"), own + " and " + said);
      WithPack wrong = new WithPack("\"decimal_wort\": \"point\"");
      PackException refused = assertThrows(PackException.class, () -> TextFrontEnd.open(wrong, new OrtEngine(), none));
      assertTrue(refused.getMessage().contains("decimal_wort"), refused.getMessage());
      TextFrontEnd other = TextFrontEnd.open(wrong, new OrtEngine(), packs());
      assertEquals(own, phones(other, text, SpeechOptions.DEFAULT));
      other.close();
    }
  }
}
