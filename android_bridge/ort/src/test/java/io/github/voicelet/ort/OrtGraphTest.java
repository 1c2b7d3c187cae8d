package io.github.voicelet.ort;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.CancelledSpeechException;
import io.github.voicelet.EngineException;
import io.github.voicelet.graph.Graph;
import io.github.voicelet.graph.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every graph of the embedded voice against what Python's engine makes of it. */
class OrtGraphTest {
  /** The vocoder's outputs are kept for these frames only. */
  private static final int FIRST_KEPT_FRAME = 20;

  private static OrtEngine engine;
  private static Npz golden;

  @BeforeAll
  static void open() throws IOException {
    engine = new OrtEngine();
    golden = new Npz(Repository.GOLDEN.resolve("graphs.npz"));
  }

  private static Graph open(String role) {
    return engine.open(Repository.map(role + ".onnx"), 1, role.equals("g2p"));
  }

  private static Map<String, Tensor> feed(String role) {
    return golden.startingWith(role + ".in.");
  }

  @ParameterizedTest
  @CsvSource({
    // Largest absolute differences: those of tests/golden/test_golden.py, for int8 kernels of other processors
    // round differently.
    "acoustic_encoder, log_duration, 0.02", "acoustic_encoder, pitch, 0.05", "acoustic_encoder, energy, 0.05",
    "acoustic_encoder, condition, 0.05", "acoustic_encoder, hidden, 0.1", "acoustic_decoder, mel, 0.08",
    "acoustic_decoder, log_f0, 0.02", "acoustic_decoder, voicing, 0.1", "vocoder, harmonic_log_magnitude, 0.15",
    "vocoder, noise_log_magnitude, 0.15", "vocoder, target, 0.15", "g2p, logits, 0.01", "speaker_encoder, embedding, 0.01"
  })
  void givesWhatPythonGives(String role, String output, float tolerance) {
    try (Graph graph = open(role)) {
      float worst = largestDifference(graph.run(feed(role)), role, output);
      assertTrue(worst <= tolerance, output + " differs by " + worst);
    }
  }

  /** How far a graph's outputs lie from what they were when the golden vectors were made. */
  static float largestDifference(OrtEngine engine, String role) throws IOException {
    Npz vectors = new Npz(Repository.GOLDEN.resolve("graphs.npz"));
    try (Graph graph = engine.open(Repository.map(role + ".onnx"), 1)) {
      Map<String, Tensor> given = graph.run(vectors.startingWith(role + ".in."));
      float worst = 0;
      for (Map.Entry<String, Tensor> output : vectors.startingWith(role + ".out.").entrySet()) {
        worst = Math.max(worst, largestDifference(given.get(output.getKey()), output.getValue(), role));
      }
      return worst;
    }
  }

  private static float largestDifference(Map<String, Tensor> given, String role, String output) {
    return largestDifference(given.get(output), golden.get(role + ".out." + output), role);
  }

  private static float largestDifference(Tensor given, Tensor expected, String role) {
    assertEquals(expected.shape().length, given.shape().length);
    float[] all = given.toFloats();
    float[] wanted = expected.toFloats();
    int first = role.equals("vocoder") ? FIRST_KEPT_FRAME * (all.length / given.size(1)) : 0;
    assertTrue(all.length >= first + wanted.length);
    float worst = 0;
    for (int i = 0; i < wanted.length; i++) {
      worst = Math.max(worst, Math.abs(all[first + i] - wanted[i]));
    }
    return worst;
  }

  @Test
  void readsInputsFromTheHeapAsFromDirectBuffers() {
    try (Graph graph = open("acoustic_decoder")) {
      Map<String, Tensor> direct = feed("acoustic_decoder");
      Map<String, Tensor> heap = new HashMap<>();
      direct.forEach((name, tensor) -> heap.put(name, Tensor.wrap(tensor.toFloats(), tensor.shape())));
      float[] expected = graph.run(direct).get("mel").toFloats();
      assertArrayEquals(expected, graph.run(heap).get("mel").toFloats());
      // A shorter input in the same place.
      int frames = 20;
      int width = direct.get("frames").size(2);
      heap.put("frames", Tensor.part(direct.get("frames").toFloats(), width, 1, frames, width));
      assertEquals(frames, graph.run(heap).get("mel").size(1));
      assertArrayEquals(expected, graph.run(direct).get("mel").toFloats());
    }
  }

  @Test
  void opensAModelFromTheHeap() {
    ByteBuffer mapped = Repository.map("g2p.onnx");
    byte[] bytes = new byte[mapped.remaining()];
    mapped.get(bytes);
    try (Graph graph = engine.open(ByteBuffer.wrap(bytes), 1)) {
      assertTrue(graph.metadata().get("units").startsWith("["));
      assertEquals(Collections.singleton("letters"), graph.inputs());
      assertEquals(Collections.singleton("logits"), graph.outputs());
    }
  }

  @Test
  void refusesWhatItCannotRun() {
    assertThrows(EngineException.class, () -> engine.open(ByteBuffer.wrap(new byte[] {1, 2, 3}), 1));
    assertThrows(EngineException.class, () -> engine.open(Repository.map("g2p.onnx"), 0));
    Graph graph = open("g2p");
    assertThrows(EngineException.class, () -> graph.run(Collections.emptyMap()));
    assertThrows(
        EngineException.class, () -> graph.run(Collections.singletonMap("letters", Tensor.of(new long[3], 3))));
    assertThrows(
        EngineException.class, () -> graph.run(Collections.singletonMap("letter", Tensor.of(new long[3], 1, 3))));
    graph.close();
    graph.close();
    assertThrows(EngineException.class, () -> graph.run(feed("g2p")));
  }

  @Test
  void terminateEndsTheRunUnderWayAndNoOther() throws InterruptedException {
    try (Graph graph = open("acoustic_decoder")) {
      Map<String, Tensor> feed = new HashMap<>(feed("acoustic_decoder"));
      int frames = 20_000;
      int width = feed.get("frames").size(2);
      feed.put("frames", Tensor.floats(1, frames, width));
      graph.terminate(); // nothing is under way
      AtomicBoolean ended = new AtomicBoolean();
      Thread stopper =
          new Thread(
              () -> {
                while (!ended.get()) {
                  graph.terminate();
                  Thread.yield();
                }
              });
      stopper.start();
      try {
        assertThrows(CancelledSpeechException.class, () -> graph.run(feed));
      } finally {
        ended.set(true);
        stopper.join();
      }
      assertFalse(graph.run(feed("acoustic_decoder")).isEmpty());
    }
  }
}
