package io.github.voicelet.ort;

import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonWriter;
import io.github.voicelet.synth.SpeechStream;
import io.github.voicelet.synth.Voice;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The Java side of {@code python -m benchmarks.java}: a line {@code {"case": NAME}} comes in, how long it took to speak it goes
 * out.
 */
public final class SpeakWorker {
  private SpeakWorker() {}

  /** Speak cases of tests/golden/synth.json until the input ends. */
  public static void main(String[] arguments) throws IOException {
    long begin = System.nanoTime();
    SynthCases cases = new SynthCases();
    try (Voice voice = Voice.load(new FolderFiles(), new OrtEngine(), (text, options) -> null)) {
      answer("load_ms", (System.nanoTime() - begin) / 1e6, "chunks", 0L);
      BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        SynthCases.Case spoken = cases.get((String) Json.object(Json.parse(line), "a request").get("case"));
        long start = System.nanoTime();
        SpeechStream stream = voice.streamPhones(spoken.clauses.iterator(), spoken.options);
        int samples = stream.next().samples().length;
        double firstMs = (System.nanoTime() - start) / 1e6;
        while (stream.hasNext()) {
          samples += stream.next().samples().length;
        }
        double wholeMs = (System.nanoTime() - start) / 1e6;
        answer("first_ms", firstMs, "whole_ms", wholeMs, "seconds", (double) samples / voice.sampleRateHz());
      }
    }
  }

  private static void answer(Object... namesAndValues) {
    Map<String, Object> fields = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      fields.put((String) namesAndValues[i], namesAndValues[i + 1]);
    }
    System.out.println(JsonWriter.spaced().write(fields));
    System.out.flush();
  }
}
