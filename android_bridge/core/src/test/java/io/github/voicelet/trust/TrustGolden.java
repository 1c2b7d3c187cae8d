package io.github.voicelet.trust;

import io.github.voicelet.VoiceletException;
import io.github.voicelet.json.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/** What Python made and judged: {@code tests/golden/make_trust_golden.py}. */
public final class TrustGolden {
  private static final Map<String, Object> ALL = read();

  private TrustGolden() {}

  private static Map<String, Object> read() {
    Path path = Paths.get(System.getProperty("voicelet.repository"), "tests/golden/trust.json.gz");
    try (InputStream in = new GZIPInputStream(Files.newInputStream(path))) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      in.transferTo(out);
      return Json.parseObject(out.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** An object by the names on the way to it. */
  public static Map<String, Object> object(String... names) {
    Map<String, Object> at = ALL;
    for (String name : names) {
      at = Json.object(at.get(name), name);
    }
    return at;
  }

  /** The rows of a list of an object. */
  public static List<Map<String, Object>> rows(Map<String, Object> object, String name) {
    List<Map<String, Object>> rows = new ArrayList<>();
    for (Object row : Json.array(object.get(name), name)) {
      rows.add(Json.object(row, name));
    }
    return rows;
  }

  /** Bytes in base64. */
  public static byte[] bytes(Object base64) {
    return Base64.getDecoder().decode((String) base64);
  }

  /** Of a seed that is one byte, 32 times. */
  public static byte[] seed(int value) {
    byte[] seed = new byte[32];
    Arrays.fill(seed, (byte) value);
    return seed;
  }

  /** Write files in base64 into a folder that is made. */
  public static void write(Path folder, Map<String, Object> files) throws IOException {
    for (Map.Entry<String, Object> file : files.entrySet()) {
      Path path = folder.resolve(file.getKey());
      Files.createDirectories(path.getParent());
      Files.write(path, bytes(file.getValue()));
    }
  }

  /** The name of the error that an action raises, as Python names it; null for none. */
  public static String failure(Runnable action) {
    try {
      action.run();
      return null;
    } catch (VoiceletException e) {
      return e.getClass().getSimpleName().replaceAll("Exception$", "");
    }
  }
}
