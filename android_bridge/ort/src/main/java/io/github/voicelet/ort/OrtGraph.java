package io.github.voicelet.ort;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxTensorLike;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import io.github.voicelet.CancelledSpeechException;
import io.github.voicelet.EngineException;
import io.github.voicelet.graph.Graph;
import io.github.voicelet.graph.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/** A graph in a session of ONNX Runtime. */
final class OrtGraph implements Graph {
  private final OrtEnvironment environment;
  private final OrtSession session;
  private final Set<String> inputs;
  private final Set<String> outputs;
  private final Map<String, String> metadata;
  /** Where inputs from the heap are copied for the engine; kept, for direct buffers are freed late. */
  private final Map<String, ByteBuffer> staged = new HashMap<>();

  private final Object ending = new Object();
  private OrtSession.RunOptions running; // guarded by ending
  private boolean terminated; // guarded by ending
  private boolean closed;

  OrtGraph(OrtEnvironment environment, OrtSession session) throws OrtException {
    this.environment = environment;
    this.session = session;
    inputs = Collections.unmodifiableSet(new LinkedHashSet<>(session.getInputNames()));
    outputs = Collections.unmodifiableSet(new LinkedHashSet<>(session.getOutputNames()));
    metadata = Collections.unmodifiableMap(session.getMetadata().getCustomMetadata());
  }

  @Override
  public Set<String> inputs() {
    return inputs;
  }

  @Override
  public Set<String> outputs() {
    return outputs;
  }

  @Override
  public Map<String, String> metadata() {
    return metadata;
  }

  @Override
  public synchronized Map<String, Tensor> run(Map<String, Tensor> given) {
    if (closed) {
      throw new EngineException("the graph is closed; load the voice again");
    }
    Map<String, OnnxTensorLike> feed = new LinkedHashMap<>();
    OrtSession.RunOptions options = null;
    try {
      for (Map.Entry<String, Tensor> input : given.entrySet()) {
        feed.put(input.getKey(), staged(input.getKey(), input.getValue()));
      }
      options = new OrtSession.RunOptions();
      options.setLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL); // being stopped is no error of the engine's
      synchronized (ending) {
        running = options;
        terminated = false;
      }
      try (OrtSession.Result result = session.run(feed, options)) {
        return copied(result);
      }
    } catch (OrtException | IllegalArgumentException e) {
      synchronized (ending) {
        if (terminated) {
          throw new CancelledSpeechException("speech was cancelled", e);
        }
      }
      String why = e instanceof OrtException ? OrtEngine.firstLine((OrtException) e) : e.getMessage();
      throw new EngineException("a graph can't be run (" + why + "); fetch or export the bundle again", e);
    } finally {
      synchronized (ending) {
        running = null;
        if (options != null) {
          options.close();
        }
      }
      for (OnnxTensorLike tensor : feed.values()) {
        tensor.close();
      }
    }
  }

  @Override
  public void terminate() {
    synchronized (ending) {
      if (running == null) {
        return;
      }
      terminated = true;
      try {
        running.setTerminate(true);
      } catch (OrtException e) {
        throw new EngineException("ONNX Runtime can't end a run (" + OrtEngine.firstLine(e) + ")", e);
      }
    }
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    staged.clear();
    try {
      session.close();
    } catch (OrtException e) {
      throw new EngineException("ONNX Runtime can't close a graph (" + OrtEngine.firstLine(e) + ")", e);
    }
  }

  private OnnxTensor staged(String name, Tensor tensor) throws OrtException {
    if (!tensor.isFloat()) {
      return OnnxTensor.createTensor(environment, tensor.longs(), tensor.shape());
    }
    FloatBuffer numbers = tensor.floats();
    if (numbers.isDirect()) {
      return OnnxTensor.createTensor(environment, numbers, tensor.shape());
    }
    int bytes = Math.multiplyExact(numbers.capacity(), 4);
    ByteBuffer place = staged.get(name);
    if (place == null || place.capacity() < bytes) {
      // Half as much again, so that a few growing inputs settle soon.
      place = ByteBuffer.allocateDirect(Math.max(bytes + bytes / 2, 64)).order(ByteOrder.nativeOrder());
      staged.put(name, place);
    }
    FloatBuffer copy = place.asFloatBuffer();
    copy.put(numbers);
    copy.flip();
    return OnnxTensor.createTensor(environment, copy, tensor.shape());
  }

  private static Map<String, Tensor> copied(OrtSession.Result result) {
    Map<String, Tensor> out = new LinkedHashMap<>();
    for (Map.Entry<String, OnnxValue> entry : result) {
      if (!(entry.getValue() instanceof OnnxTensor)) {
        throw new EngineException("a graph gave " + entry.getKey() + ", which is no tensor; use another bundle");
      }
      OnnxTensor tensor = (OnnxTensor) entry.getValue();
      FloatBuffer numbers = tensor.getFloatBuffer(); // a copy in the heap
      if (numbers == null) {
        throw new EngineException("a graph gave " + entry.getKey() + ", which isn't float32; use another bundle");
      }
      out.put(entry.getKey(), Tensor.wrap(numbers, tensor.getInfo().getShape()));
    }
    return out;
  }
}
