package io.github.voicelet.synth;

import io.github.voicelet.BundleException;
import io.github.voicelet.graph.GraphEngine;
import io.github.voicelet.json.Json;
import io.github.voicelet.text.PhoneClause;
import io.github.voicelet.text.PhoneInventory;
import io.github.voicelet.text.TextReader;
import io.github.voicelet.text.pack.PackLibrary;
import io.github.voicelet.text.pronunciation.LetterModel;
import io.github.voicelet.text.pronunciation.LetterToSound;
import io.github.voicelet.text.pronunciation.Lexicon;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The text front end of a bundle: its lexicon, its letters to sounds, and the packs of its languages. Threads may share one.
 *
 * <p>The letter-to-sound graph is opened at the first word that the lexicon lacks; without one in the bundle such words are spelled.
 */
public final class TextFrontEnd implements FrontEnd {
  private final VoiceLanguages languages;
  private final TextReader first;
  private final List<String> presets;
  private final BundleLetters letters;
  private final Map<String, String> varieties = new ConcurrentHashMap<>();

  private TextFrontEnd(VoiceLanguages languages, TextReader first, List<String> presets, BundleLetters letters) {
    this.languages = languages;
    this.first = first;
    this.presets = presets;
    this.letters = letters;
  }

  /**
   * Open a bundle's.
   *
   * @param files of the bundle, checked.
   * @param engine runs letter-to-sound graphs.
   * @param packs voicelet's own packs; those inside the bundle go before them.
   * @throws BundleException the bundle has no lexicon, or it is damaged.
   * @throws io.github.voicelet.PackException the pack of the bundle's language is wrong.
   * @throws io.github.voicelet.PhoneException the lexicon uses symbols that the voice can't say.
   * @throws io.github.voicelet.ConfigException no pack reads the bundle's language.
   */
  public static TextFrontEnd open(VoiceFiles files, GraphEngine engine, PackLibrary packs) {
    VoiceManifest manifest = new VoiceManifest(files.manifest());
    BundledPacks bundled = new BundledPacks(files);
    VoiceLanguages languages =
        new VoiceLanguages(manifest.languages, Arrays.<PackLibrary>asList(bundled, packs), engine);
    try {
      // A bundle whose own pack brings the words of its language needs no lexicon beside it.
      Object data = files.manifest().get("data");
      boolean has = data != null && Json.object(data, "data").containsKey("lexicon");
      Lexicon lexicon = has || bundled.tags().isEmpty() ? new Lexicon(files.data("lexicon")) : null;
      BundleLetters letters = manifest.hashes.containsKey("g2p") ? new BundleLetters(files, engine) : null;
      TextReader first =
          new TextReader(
              languages.pack(languages.firstTag()), lexicon, letters, new PhoneInventory(manifest.phones), languages);
      return new TextFrontEnd(languages, first, new ArrayList<>(manifest.presets.keySet()), letters);
    } catch (RuntimeException e) {
      languages.close();
      throw e;
    }
  }

  @Override
  public Iterator<PhoneClause> clauses(String text, SpeechOptions options) {
    boolean looksLike = options.ssml() == SpeechOptions.Ssml.AUTO && TextReader.looksLikeSsml(text);
    return reader(options)
        .clauses(
            text,
            looksLike || options.ssml() == SpeechOptions.Ssml.YES,
            options.reading(),
            VoiceLanguages.AUTO.equals(options.language()),
            options.strictLanguage());
  }

  /** What the options say, else the variety that the preset speaks, else the voice's first language. */
  private TextReader reader(SpeechOptions options) {
    String language = options.language();
    if (language != null && !language.equals(VoiceLanguages.AUTO)) {
      return first.inLanguage(language);
    }
    if (options.speaker() != null || presets.isEmpty()) { // who is enrolled has no variety of their own
      return first;
    }
    String preset = options.preset() == null ? presets.get(0) : options.preset();
    String variety = varieties.get(preset);
    if (variety == null) {
      variety = languages.variety(preset);
      variety = variety == null ? "" : variety;
      varieties.put(preset, variety);
    }
    return variety.isEmpty() ? first : first.inLanguage(variety);
  }

  @Override
  public void close() {
    languages.close();
    if (letters != null) {
      letters.close();
    }
  }

  /** A bundle's letter-to-sound model, opened at the first word. */
  private static final class BundleLetters implements LetterToSound, AutoCloseable {
    private final VoiceFiles files;
    private final GraphEngine engine;
    private LetterModel model;
    private boolean isClosed;

    BundleLetters(VoiceFiles files, GraphEngine engine) {
      this.files = files;
      this.engine = engine;
    }

    @Override
    public synchronized String phones(String word) {
      if (isClosed) {
        throw new BundleException("the voice is closed; load it again");
      }
      if (model == null) {
        model = new LetterModel(engine.open(files.graph("g2p"), 1, true));
      }
      return model.phones(word);
    }

    @Override
    public synchronized void close() {
      isClosed = true;
      if (model != null) {
        model.close();
        model = null;
      }
    }
  }
}
