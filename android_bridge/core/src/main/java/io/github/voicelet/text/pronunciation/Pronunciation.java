package io.github.voicelet.text.pronunciation;

import io.github.voicelet.graph.GraphEngine;
import io.github.voicelet.text.pack.Pack;
import io.github.voicelet.text.pack.homograph.Homographs;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How a pack says its words: word lists, endings, phrases, homographs, letters.
 *
 * <p>Each part is read when it is first asked for. Threads may share one. Close it when no text is read any more.
 */
public final class Pronunciation implements AutoCloseable {
  private static final String WEAK = "weak.json";
  private static final String INFLECTION = "inflection.json";
  private static final String LETTER_RULES = "letters.json";
  private static final String GRAPH = "g2p.onnx";
  private static final String COMPILED = "lexicon.bin";
  private static final List<String> WORD_LISTS = Arrays.asList("lexicon.tsv", "names.tsv"); // in the order of asking

  private final Pack pack;
  private final GraphEngine engine;
  private Phrases phrases;
  private Inflection inflection;
  private Spelling spelling;
  private List<Inflection.Lookup> words;
  private LetterToSound letters;
  private LetterModel model;
  private boolean lettersAreKnown;
  private boolean isClosed;

  /**
   * Of a pack.
   *
   * @param engine runs its letter-to-sound model.
   */
  public Pronunciation(Pack pack, GraphEngine engine) {
    this.pack = pack;
    this.engine = engine;
  }

  /** How words join, weaken and link. */
  public synchronized Phrases phrases() {
    if (phrases == null) {
      phrases = new Phrases(settings(WEAK), pack.place(WEAK), pack.isChecked());
    }
    return phrases;
  }

  /** Regular endings. */
  public synchronized Inflection inflection() {
    if (inflection == null) {
      inflection = new Inflection(settings(INFLECTION), pack.place(INFLECTION), pack.isChecked());
    }
    return inflection;
  }

  /** Letters said one by one. */
  public synchronized Spelling spelling() {
    if (spelling == null) {
      spelling = new Spelling(pack.config().letterNames, pack.config().letters, phrases(), inflection());
    }
    return spelling;
  }

  private Map<String, Object> settings(String name) {
    Map<String, Object> found = pack.inherited(name);
    if (found == null) {
      found = new LinkedHashMap<>();
      found.put("format", 1L);
    }
    return found;
  }

  /**
   * What the language's own lexicons say of a word in lower case; null for nothing.
   *
   * @throws io.github.voicelet.PackException a list can't be read.
   * @throws io.github.voicelet.BundleException a compiled lexicon is damaged.
   */
  public String word(String key) {
    for (Inflection.Lookup source : words()) {
      String said = source.get(key);
      if (said != null) {
        return said;
      }
    }
    return null;
  }

  private synchronized List<Inflection.Lookup> words() {
    if (words == null) {
      List<Inflection.Lookup> read = new ArrayList<>();
      for (byte[] list : pack.files(WORD_LISTS)) {
        read.add(new WordList(list, pack.place(WORD_LISTS.get(0)))::get);
      }
      for (byte[] compiled : pack.files(COMPILED)) {
        read.add(new Lexicon(ByteBuffer.wrap(compiled))::get);
      }
      words = read;
    }
    return words;
  }

  /** Senses of a word to ask the lexicons for, in turn, as {@link Homographs#senses} gives them. */
  public List<String> senses(List<String> keys, int place, List<String> texts) {
    Homographs homographs = pack.homographs();
    return homographs == null ? Collections.<String>emptyList() : homographs.senses(keys, place, texts);
  }

  /**
   * The letter rules or the letter-to-sound model of the language; null where it has neither.
   *
   * @throws io.github.voicelet.PackException the rules are wrong.
   * @throws io.github.voicelet.EngineException the model can't be opened.
   * @throws io.github.voicelet.BundleException it isn't such a model.
   */
  public synchronized LetterToSound letters() {
    if (!lettersAreKnown && !isClosed) {
      Map<String, Object> rules = pack.inherited(LETTER_RULES);
      byte[] graph = rules == null ? pack.file(GRAPH) : null;
      if (rules != null) {
        letters = new LetterRules(rules, pack.place(LETTER_RULES), pack.isChecked())::phones;
      } else if (graph != null) {
        model = new LetterModel(engine.open(ByteBuffer.wrap(graph), 1, true));
        letters = model::phones;
      }
      lettersAreKnown = true;
    }
    return letters;
  }

  @Override
  public synchronized void close() {
    isClosed = true;
    if (model != null) {
      model.close();
      model = null;
      letters = null;
      lettersAreKnown = false;
    }
  }
}
