package io.github.voicelet.ort;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.Paths;

/** Files that the runtimes share. */
final class Repository {
  static final Path ROOT = Paths.get(System.getProperty("voicelet.repository"));
  static final Path GOLDEN = ROOT.resolve("tests/golden");
  static final Path VOICE = ROOT.resolve("sdk/voicelet/voices/default");

  private Repository() {}

  /** A file of the embedded voice, mapped. */
  static ByteBuffer map(String name) {
    try (FileChannel file = FileChannel.open(VOICE.resolve(name))) {
      return file.map(FileChannel.MapMode.READ_ONLY, 0, file.size());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
