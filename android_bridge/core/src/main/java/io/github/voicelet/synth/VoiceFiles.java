package io.github.voicelet.synth;

import java.nio.ByteBuffer;
import java.util.Map;

/** The files of a bundle whose signature and hashes hold; whoever offers them has checked that. */
public interface VoiceFiles {
  /** The bundle's manifest.json, as {@link io.github.voicelet.json.Json} reads it. */
  Map<String, Object> manifest();

  /**
   * A graph for ONNX Runtime.
   *
   * @param role such as "vocoder".
   * @return its bytes; a mapped buffer isn't copied.
   * @throws io.github.voicelet.BundleException there is none, or it was changed.
   */
  ByteBuffer graph(String role);

  /**
   * Another file.
   *
   * @param role such as "presets".
   * @throws io.github.voicelet.BundleException there is none, or it was changed.
   */
  ByteBuffer data(String role);
}
