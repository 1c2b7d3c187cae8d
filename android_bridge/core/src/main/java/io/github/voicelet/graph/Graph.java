package io.github.voicelet.graph;

import java.util.Map;
import java.util.Set;

/** A graph that is ready to run.  One thread runs it at a time; {@link #terminate} may come from any. */
public interface Graph extends AutoCloseable {
  /**
   * Run it once.
   *
   * @param inputs by name; they aren't kept.
   * @return all outputs by name, copied out of the engine.
   * @throws io.github.voicelet.EngineException it can't run, or not with these inputs.
   * @throws io.github.voicelet.CancelledSpeechException {@link #terminate} was called meanwhile.
   */
  Map<String, Tensor> run(Map<String, Tensor> inputs);

  /** Names of what it takes. */
  Set<String> inputs();

  /** Names of what it gives. */
  Set<String> outputs();

  /** What its makers wrote into the file, by key. */
  Map<String, String> metadata();

  /** End the run that is under way, if there is one; later runs aren't affected. */
  void terminate();

  @Override
  void close();
}
