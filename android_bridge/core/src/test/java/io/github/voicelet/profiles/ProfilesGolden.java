package io.github.voicelet.profiles;

import io.github.voicelet.json.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/** What Python made and judged: {@code tests/golden/make_profiles_golden.py}. */
public final class ProfilesGolden {
  private ProfilesGolden() {}

  /** One of the files in {@code tests/golden/profiles}. */
  public static Map<String, Object> read(String name) {
    Path path = repository().resolve("tests/golden/profiles/" + name + ".json.gz");
    try (InputStream in = new GZIPInputStream(Files.newInputStream(path))) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      in.transferTo(out);
      return Json.parseObject(out.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A folder for what Python's tests open, emptied. */
  public static Path written(String name) {
    Path folder = repository().resolve("android_bridge/core/target/written-by-java").resolve(name);
    try {
      io.github.voicelet.files.OwnFiles.deleteFolder(folder.toFile());
      return Files.createDirectories(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path repository() {
    return Paths.get(System.getProperty("voicelet.repository"));
  }

  /** Numbers of a list. */
  public static float[] floats(Object list) {
    List<Object> values = Json.array(list, "numbers");
    float[] out = new float[values.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = ((Number) values.get(i)).floatValue();
    }
    return out;
  }

  /** The rows of a list. */
  public static List<Map<String, Object>> rows(Object list) {
    List<Map<String, Object>> rows = new ArrayList<>();
    for (Object row : Json.array(list, "rows")) {
      rows.add(Json.object(row, "row"));
    }
    return rows;
  }

  /** The first sound profile, with its owner's consent. */
  public static Profile ana() {
    return Profile.fromBytes(
        io.github.voicelet.trust.TrustGolden.bytes(rows(read("profiles").get("sound")).get(0).get("file")));
  }
}
