package io.github.voicelet.ort;

import io.github.voicelet.json.Json;
import io.github.voicelet.synth.VoiceFiles;
import java.nio.ByteBuffer;
import java.util.Map;

/** The embedded voice's files as they lie in the repository. */
final class FolderFiles implements VoiceFiles {
  private final Map<String, Object> manifest;

  FolderFiles() {
    ByteBuffer json = Repository.map("manifest.json");
    byte[] bytes = new byte[json.remaining()];
    json.get(bytes);
    manifest = Json.parseObject(bytes);
  }

  @Override
  public Map<String, Object> manifest() {
    return manifest;
  }

  @Override
  public ByteBuffer graph(String role) {
    return Repository.map(role + ".onnx");
  }

  @Override
  public ByteBuffer data(String role) {
    Map<String, Object> data = Json.object(manifest.get("data"), "data");
    return Repository.map((String) Json.object(data.get(role), role).get("file"));
  }
}
