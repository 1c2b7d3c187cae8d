package io.github.voicelet.ort;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.synth.SpeechOptions;
import io.github.voicelet.synth.SpeechStream;
import io.github.voicelet.synth.Voice;
import io.github.voicelet.text.PhoneClause;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/**
 * Many short utterances need no more memory than a few: neither heap nor what the engine takes beside it.
 *
 * <p>Of 300 utterances in a usual run; {@code -Dvoicelet.utterances=10000} for the full size.
 */
class SteadyMemoryTest {
  private static final List<String> PHONES =
      Arrays.asList("hɛlˈO.", "jˈɛs.", "nˈO?", "wˈʌn tˈu θɹˈi.", "ɡˈʊd mˈɔɹnɪŋ.");

  @Test
  void memoryStaysFlat() throws IOException {
    Path status = Paths.get("/proc/self/status");
    Assumptions.assumeTrue(Files.exists(status), "resident memory is read from /proc");
    int utterances = Integer.getInteger("voicelet.utterances", 300);
    try (Voice voice = Voice.load(new FolderFiles(), new OrtEngine(), (text, options) -> null)) {
      speak(voice, 0, utterances / 3);
      long heap = usedHeap();
      long resident = residentBytes(status);
      speak(voice, utterances / 3, utterances);
      long heapGrowth = usedHeap() - heap;
      long residentGrowth = residentBytes(status) - resident;
      System.out.printf(
          "%d utterances: heap %+.1f MB, resident %+.1f MB after the first third%n",
          utterances, heapGrowth / 1e6, residentGrowth / 1e6);
      assertTrue(heapGrowth < 2_000_000, "the heap grew by " + heapGrowth);
      assertTrue(residentGrowth < 48_000_000, "resident memory grew by " + residentGrowth);
    }
  }

  private static void speak(Voice voice, int first, int last) {
    for (int i = first; i < last; i++) {
      SpeechOptions options = SpeechOptions.builder().seed(i).speed(i % 10 == 9 ? 3.0 : 1.5).build();
      PhoneClause clause = new PhoneClause(PHONES.get(i % PHONES.size()));
      SpeechStream stream = voice.streamPhones(Arrays.asList(clause).iterator(), options);
      int samples = 0;
      while (stream.hasNext()) {
        samples += stream.next().samples().length;
      }
      assertTrue(samples > 2000);
    }
  }

  private static long usedHeap() {
    Runtime runtime = Runtime.getRuntime();
    for (int i = 0; i < 3; i++) {
      runtime.gc();
    }
    return runtime.totalMemory() - runtime.freeMemory();
  }

  private static long residentBytes(Path status) throws IOException {
    for (String line : Files.readAllLines(status, StandardCharsets.US_ASCII)) {
      if (line.startsWith("VmRSS:")) {
        return 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
      }
    }
    throw new IOException("no VmRSS in " + status);
  }
}
