package io.github.voicelet.synth;

import io.github.voicelet.CancelledSpeechException;
import io.github.voicelet.graph.Graph;
import io.github.voicelet.graph.Tensor;
import java.util.Map;

/** Ends one stream from any thread: between runs of graphs, and within the run that is under way. */
final class Cancellation {
  private volatile boolean cancelled;
  private Graph running; // guarded by this

  void cancel() {
    cancelled = true;
    synchronized (this) {
      if (running != null) {
        running.terminate();
      }
    }
  }

  /**
   * Go on, or don't.
   *
   * @throws CancelledSpeechException the stream is to end.
   */
  void check() {
    if (cancelled) {
      throw new CancelledSpeechException("speech was cancelled");
    }
  }

  /** Run a graph, which other streams may share: one of them runs it at a time. */
  Map<String, Tensor> run(Graph graph, Map<String, Tensor> inputs) {
    synchronized (graph) { // so that terminate() ends no other stream's run
      synchronized (this) {
        check();
        running = graph;
      }
      try {
        return graph.run(inputs);
      } finally {
        synchronized (this) {
          running = null;
        }
      }
    }
  }
}
