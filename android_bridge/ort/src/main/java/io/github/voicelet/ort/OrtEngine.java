package io.github.voicelet.ort;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import io.github.voicelet.EngineException;
import io.github.voicelet.graph.Graph;
import io.github.voicelet.graph.GraphEngine;
import java.nio.ByteBuffer;

/**
 * ONNX Runtime on the CPU, set up as voicelet's Python engine sets it up: one graph at a time on few threads, none of
 * which spins while it waits, and nothing sent to anybody.
 */
public final class OrtEngine implements GraphEngine {
  private final OrtEnvironment environment;

  /**
   * Load ONNX Runtime.
   *
   * @throws EngineException its native library can't be loaded.
   */
  public OrtEngine() {
    try {
      environment = OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
      environment.setTelemetry(false);
    } catch (OrtException | LinkageError | IllegalStateException e) {
      throw new EngineException("ONNX Runtime can't be loaded (" + e.getMessage() + "); add it to the app", e);
    }
  }

  @Override
  public Graph open(ByteBuffer model, int threads, boolean widensWeights) {
    if (threads < 1) {
      throw new EngineException("threads must be at least 1, not " + threads);
    }
    ByteBuffer bytes = model.duplicate();
    if (!bytes.isDirect()) {
      bytes = ByteBuffer.allocateDirect(model.remaining());
      bytes.put(model.duplicate());
      bytes.flip();
    }
    try (OrtSession.SessionOptions options = options(threads, widensWeights)) {
      return new OrtGraph(environment, environment.createSession(bytes, options));
    } catch (OrtException e) {
      throw new EngineException(
          "ONNX Runtime can't open a graph (" + firstLine(e) + "); fetch or export the bundle again", e);
    }
  }

  private static OrtSession.SessionOptions options(int threads, boolean widensWeights) throws OrtException {
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(threads);
    options.setInterOpNumThreads(1);
    options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
    options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
    options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
    // Chunks differ in length: plans of one shape don't serve the next, and an arena would keep what one long clause
    // needed for ever.
    options.setCPUArenaAllocator(false);
    options.setMemoryPatternOptimization(false);
    options.addConfigEntry("session.load_model_format", "ONNX");
    if (widensWeights) {
      options.addConfigEntry("session.disable_quant_qdq", "1");
    }
    // A spinning pool burns a phone's battery between chunks.
    options.addConfigEntry("session.intra_op.allow_spinning", "0");
    options.addConfigEntry("session.inter_op.allow_spinning", "0");
    return options;
  }

  static String firstLine(OrtException e) {
    String text = String.valueOf(e.getMessage()).trim();
    int end = text.indexOf('\n');
    text = end < 0 ? text : text.substring(0, end);
    return text.length() > 300 ? text.substring(0, 300) : text;
  }
}
