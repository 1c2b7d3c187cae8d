package io.github.voicelet.synth;

import io.github.voicelet.ConfigException;
import io.github.voicelet.graph.GraphEngine;
import io.github.voicelet.text.PhoneClause;
import io.github.voicelet.text.Reading;
import io.github.voicelet.text.pack.PackLibrary;
import io.github.voicelet.trust.watermark.Watermark;
import java.util.Iterator;
import java.util.List;

/**
 * A voice bundle, opened and ready to speak any text as any enrolled person.
 *
 * <p>Nothing in it changes after it is made: threads may share one, and each stream has its own state; of streams that speak at
 * once, one runs a graph at a time.  Close it when nothing speaks any more.
 */
public final class Voice implements AutoCloseable {
  /** Output frames of a stream's first stretches: 0.2 s are heard while 0.8 s are made, and so on. */
  private static final int[] FIRST_FRAMES = {16, 64, 192};
  private static final int STRETCH_FRAMES = 320;
  private static final int OFFLINE_FRAMES = 800; // long stretches compute less twice at their edges
  private static final int[] NONE = {};
  private static final int MAX_THREADS = 64;

  private final Synthesizer synthesizer;
  private final FrontEnd frontEnd;
  private final Watermark watermark;

  private Voice(Synthesizer synthesizer, FrontEnd frontEnd, Watermark watermark) {
    this.synthesizer = synthesizer;
    this.frontEnd = frontEnd;
    this.watermark = watermark;
  }

  /**
   * Open a voice that reads texts by language packs, one thread a run of a graph.
   *
   * @param files of its bundle, checked.
   * @param engine runs the graphs.
   * @param packs voicelet's own language packs; those inside the bundle go before them.
   * @throws io.github.voicelet.BundleException the bundle lacks a graph or its lexicon, or one of them can't be used.
   * @throws io.github.voicelet.PackException the pack of the bundle's language is wrong.
   * @throws ConfigException no pack reads the bundle's language.
   */
  public static Voice load(VoiceFiles files, GraphEngine engine, PackLibrary packs) {
    FrontEnd frontEnd = TextFrontEnd.open(files, engine, packs);
    try {
      return load(files, engine, frontEnd);
    } catch (RuntimeException e) {
      frontEnd.close();
      throw e;
    }
  }

  /**
   * Open a voice, one thread a run of a graph.
   *
   * @param files of its bundle, checked.
   * @param engine runs the graphs.
   * @param frontEnd reads texts; it is closed with the voice.
   * @throws io.github.voicelet.BundleException the bundle lacks a graph, or one of them can't be run.
   */
  public static Voice load(VoiceFiles files, GraphEngine engine, FrontEnd frontEnd) {
    return load(files, engine, frontEnd, 1, null);
  }

  /**
   * Open a voice.
   *
   * @param threads that one run of a graph may use, 1 to 64.
   * @param watermarkKey an operator's own key, 16 to 64 bytes; null for the public one.
   * @throws ConfigException {@code threads} is no number of threads.
   * @throws io.github.voicelet.BundleException the bundle lacks a graph, or one of them can't be run.
   * @throws io.github.voicelet.TrustException the key is too short or too long.
   */
  public static Voice load(
      VoiceFiles files, GraphEngine engine, FrontEnd frontEnd, int threads, byte[] watermarkKey) {
    if (threads < 1 || threads > MAX_THREADS) {
      throw new ConfigException("threads must lie between 1 and " + MAX_THREADS + ", not " + threads);
    }
    VoiceManifest manifest = new VoiceManifest(files.manifest());
    Watermark watermark = new Watermark(manifest.name, manifest.version, watermarkKey);
    return new Voice(new Synthesizer(files, engine, threads), frontEnd, watermark);
  }

  /** Name of the bundle. */
  public String name() {
    return synthesizer.manifest.name;
  }

  /** Of the bundle. */
  public String version() {
    return synthesizer.manifest.version;
  }

  /** BCP 47 tags, the first the voice's own. */
  public List<String> languages() {
    return synthesizer.manifest.languages;
  }

  /** Names of the voices that ship with the bundle, the default first. */
  public List<String> presets() {
    return synthesizer.speakers.names();
  }

  /** Of the audio that comes out. */
  public int sampleRateHz() {
    return synthesizer.vocoder.rateHz;
  }

  /**
   * Speak, piece by piece.
   *
   * <p>The chunks joined are the samples of {@link #synthesize}, to 1e-3 at least.  Text with nothing to say gives no chunks.
   *
   * @param text any string, or SSML.
   * @throws ConfigException there is no such preset.
   * @throws io.github.voicelet.ProfileException the speaker doesn't fit this voice.
   */
  public SpeechStream stream(String text, SpeechOptions options) {
    return stream(frontEnd.clauses(text, options), text, options, FIRST_FRAMES, STRETCH_FRAMES);
  }

  /** Speak all of a text; errors are those of {@link #stream} and of its chunks. */
  public Audio synthesize(String text, SpeechOptions options) {
    return Audio.join(
        stream(frontEnd.clauses(text, options), text, options, NONE, OFFLINE_FRAMES), sampleRateHz());
  }

  /** As {@link #stream}, past the text front end: clauses of phones. */
  public SpeechStream streamPhones(Iterator<PhoneClause> clauses, SpeechOptions options) {
    return stream(clauses, null, options, FIRST_FRAMES, STRETCH_FRAMES);
  }

  /** As {@link #synthesize}, past the text front end: clauses of phones. */
  public Audio synthesizePhones(Iterator<PhoneClause> clauses, SpeechOptions options) {
    return Audio.join(stream(clauses, null, options, NONE, OFFLINE_FRAMES), sampleRateHz());
  }

  private SpeechStream stream(
      Iterator<PhoneClause> clauses, String text, SpeechOptions options, int[] firstFrames, int stretchFrames) {
    float[] speaker = synthesizer.speakers.vector(options.speaker(), options.preset());
    return new SpeechStream(
        synthesizer, watermark, firstFrames, stretchFrames, speaker, options.controls(),
        options.reading().capitals == Reading.Capitals.TONE, clauses, text);
  }

  @Override
  public void close() {
    try {
      synthesizer.close();
    } finally {
      frontEnd.close();
    }
  }
}
