package io.github.voicelet.synth;

import io.github.voicelet.BundleException;
import io.github.voicelet.graph.Graph;
import io.github.voicelet.graph.Tensor;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** What graphs of a bundle must take and give. */
final class GraphChecks {
  private GraphChecks() {}

  /**
   * Compare the names of a graph's tensors with those that its role has.
   *
   * @param inputs all that it may take.
   * @param outputs all that it must give.
   * @throws BundleException naming the first that is missing or not known.
   */
  static void names(Graph graph, List<String> inputs, List<String> outputs, String role) {
    for (String name : graph.inputs()) {
      if (!inputs.contains(name)) {
        throw new BundleException(
            "the graph '" + role + "' takes '" + name + "', which nothing gives it; it may take " + inputs);
      }
    }
    for (String name : outputs) {
      if (!graph.outputs().contains(name)) {
        throw new BundleException("the graph '" + role + "' gives no '" + name + "'; use another bundle");
      }
    }
  }

  /**
   * An output, if it has the shape that its role asks for.
   *
   * @param shape length of every axis, -1 for any.
   * @throws BundleException it is missing or has another shape.
   */
  static Tensor output(Map<String, Tensor> outputs, String name, String role, long... shape) {
    Tensor value = outputs.get(name);
    boolean fits = value != null && value.isFloat() && value.shape().length == shape.length;
    for (int i = 0; fits && i < shape.length; i++) {
      fits = shape[i] < 0 || value.size(i) == shape[i];
    }
    if (!fits) {
      String there = value == null ? "is missing" : "is " + Arrays.toString(value.shape());
      throw new BundleException(
          "the output '" + name + "' of the graph '" + role + "' " + there + ", where it must be float32 "
              + Arrays.toString(shape) + "; use another bundle");
    }
    return value;
  }

  /**
   * Refuse infinities and what is no number.
   *
   * @throws BundleException saying whose they are.
   */
  static void finite(FloatBuffer values, String message) {
    for (int i = 0; i < values.capacity(); i++) {
      if (!isFinite(values.get(i))) {
        throw new BundleException(message);
      }
    }
  }

  static boolean isFinite(float value) {
    return Math.abs(value) <= Float.MAX_VALUE;
  }
}
