package io.github.voicelet.text;

import io.github.voicelet.graph.GraphEngine;
import io.github.voicelet.text.pack.Pack;
import io.github.voicelet.text.pronunciation.Pronunciation;

/** A language as the front end knows it: how its pack reads, and how it says words. Threads may share one. */
public final class ReadLanguage implements AutoCloseable {
  /** What it says of written text. */
  public final Pack pack;

  /** How it says words. */
  public final Pronunciation pronunciation;

  /**
   * Of a pack.
   *
   * @param engine runs the pack's letter-to-sound model, if it has one.
   */
  public ReadLanguage(Pack pack, GraphEngine engine) {
    this.pack = pack;
    pronunciation = new Pronunciation(pack, engine);
  }

  /** BCP 47, as the pack has it. */
  public String tag() {
    return pack.config().language;
  }

  @Override
  public void close() {
    pronunciation.close();
  }
}
