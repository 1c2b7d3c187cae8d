package io.github.voicelet.ort;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.json.Json;
import io.github.voicelet.synth.SpeechOptions;
import io.github.voicelet.synth.SpeechStream;
import io.github.voicelet.synth.SpeechStyle;
import io.github.voicelet.synth.Voice;
import io.github.voicelet.text.PhoneClause;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Python's detector finds and reads the mark in all that Java says: plain, whispered, compressed, streamed or whole. */
class MarkTest {
  private static final byte[] OPERATOR_KEY = "an operator's own key".getBytes(StandardCharsets.US_ASCII);
  private static final String DETECT =
      "import json, sys, numpy as np\n"
          + "from voicelet.trust.watermark.detect import detect_watermark\n"
          + "for path in sys.argv[2:]:\n"
          + "    samples = np.fromfile(path, '<f4')\n"
          + "    d = detect_watermark(samples, 24000, keys=[sys.argv[1].encode()], scales=False)\n"
          + "    p = d.payload\n"
          + "    print(json.dumps({'probability': d.probability, 'model': p and p.model,"
          + " 'week': p and p.week, 'key': p and p.key_id}))\n";

  @TempDir Path folder;

  private List<Path> speakAll() throws IOException {
    List<Path> files = new ArrayList<>();
    List<PhoneClause> clauses = new SynthCases().get("long").clauses;
    SpeechOptions usual = SpeechOptions.DEFAULT;
    SpeechOptions whisper = SpeechOptions.builder().style(SpeechStyle.WHISPER).energy(3).build();
    SpeechOptions fast = SpeechOptions.builder().speed(2.5).preset("am_michael").build();
    OrtEngine engine = new OrtEngine();
    try (Voice voice = Voice.load(new FolderFiles(), engine, (text, options) -> null)) {
      files.add(write("usual", voice.synthesizePhones(clauses.iterator(), usual).samples()));
      files.add(write("whisper", voice.synthesizePhones(clauses.iterator(), whisper).samples()));
      files.add(write("fast", voice.synthesizePhones(clauses.iterator(), fast).samples()));
      files.add(write("streamed", streamed(voice, clauses, usual)));
      files.add(write("fast-streamed", streamed(voice, clauses, fast)));
      float[] backwards = voice.synthesizePhones(clauses.iterator(), usual).samples();
      for (int i = 0, k = backwards.length - 1; i < k; i++, k--) {
        float other = backwards[i];
        backwards[i] = backwards[k];
        backwards[k] = other;
      }
      files.add(write("backwards", backwards));
    }
    try (Voice voice = Voice.load(new FolderFiles(), engine, (text, options) -> null, 1, OPERATOR_KEY)) {
      files.add(write("operator", voice.synthesizePhones(clauses.iterator(), usual).samples()));
    }
    return files;
  }

  private static float[] streamed(Voice voice, List<PhoneClause> clauses, SpeechOptions options) {
    float[] all = new float[0];
    SpeechStream stream = voice.streamPhones(clauses.iterator(), options);
    while (stream.hasNext()) {
      float[] piece = stream.next().samples();
      all = Arrays.copyOf(all, all.length + piece.length);
      System.arraycopy(piece, 0, all, all.length - piece.length, piece.length);
    }
    return all;
  }

  private Path write(String name, float[] samples) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(4 * samples.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(samples);
    return Files.write(folder.resolve(name + ".f32"), bytes.array());
  }

  @Test
  void pythonFindsAndReadsTheMark() throws IOException, InterruptedException {
    String usual = Repository.ROOT.resolve(".venv/bin/python").toString();
    Path python = Paths.get(System.getProperty("voicelet.python", usual));
    Assumptions.assumeTrue(
        Files.isExecutable(python), "no Python at " + python + "; -Dvoicelet.python names one with voicelet's packages");
    List<String> command = new ArrayList<>();
    command.addAll(Arrays.asList(python.toString(), "-c", DETECT, new String(OPERATOR_KEY, StandardCharsets.US_ASCII)));
    List<Path> files = speakAll();
    for (Path file : files) {
      command.add(file.toString());
    }
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("PYTHONPATH", Repository.ROOT.resolve("sdk").toString());
    Process process = builder.start();
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    process.getInputStream().transferTo(output);
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    String[] lines = output.toString(StandardCharsets.UTF_8).trim().split("\n");
    assertEquals(files.size(), lines.length, output.toString(StandardCharsets.UTF_8));
    for (int i = 0; i < lines.length; i++) {
      String name = files.get(i).getFileName().toString();
      Map<String, Object> found = Json.object(Json.parse(lines[i]), name);
      double probability = ((Number) found.get("probability")).doubleValue();
      if (name.startsWith("backwards")) {
        assertTrue(probability < 0.99, name + " " + lines[i]);
        continue;
      }
      assertTrue(probability > 0.999, name + " " + lines[i]);
      if (!name.startsWith("fast")) { // half as long: found, but not always read
        assertEquals(14L, found.get("model"), name + " " + lines[i]);
        assertEquals(125L, found.get("week"));
        assertEquals(name.startsWith("operator") ? 114L : 0L, found.get("key"));
      }
    }
  }
}
