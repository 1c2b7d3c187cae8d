package io.github.voicelet.graph;

import java.nio.ByteBuffer;

/** What opens graphs; {@code voicelet-ort} brings the one that voicelet ships. */
public interface GraphEngine {
  /**
   * Open a graph whose int8 weights run as int8.
   *
   * @param model its bytes, already checked against the bundle's manifest; a direct or mapped buffer isn't copied.
   * @param threads how many threads a run may use; 1 is best for speech on a phone.
   * @throws io.github.voicelet.EngineException the engine can't read it.
   */
  default Graph open(ByteBuffer model, int threads) {
    return open(model, threads, false);
  }

  /**
   * Open a graph.
   *
   * @param model its bytes, already checked against the bundle's manifest; a direct or mapped buffer isn't copied.
   * @param threads how many threads a run may use; 1 is best for speech on a phone.
   * @param widensWeights whether int8 weights are widened once, when the graph is opened, rather than run as int8: exact,
   *     and no slower for a graph that runs now and then (letters to sounds).
   * @throws io.github.voicelet.EngineException the engine can't read it.
   */
  Graph open(ByteBuffer model, int threads, boolean widensWeights);
}
