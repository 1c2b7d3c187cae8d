package io.github.voicelet.testhost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.engine.SpeechEngine;
import io.github.voicelet.engine.SpeechRequest;
import io.github.voicelet.engine.SpeechSink;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;

/** What a phone does to its speech engine, in random order: 2,000 schedules of starts, stops, flushes, errors, slow players and changes of voice. */
class SchedulesTest {
  private static final int SCHEDULES = 2000;
  private static final String[] WORDS = {"one", "two", "naïve", "\uD83D\uDE00", "broken", "bug", "unspeakable", "a"};
  private static final String[] VOICES = {"", "tone-en", "tone-es", "tone-locked", "no such voice"};

  @Test
  void everyRequestEndsOnceAndNothingIsHeardAfterAStop() throws InterruptedException {
    int stopped = 0;
    int spoken = 0;
    for (int seed = 0; seed < SCHEDULES; seed++) {
      for (Utterance utterance : play(seed)) {
        assertEquals(new ArrayList<>(), utterance.violations(), "schedule " + seed + ": " + utterance.request().text());
        stopped += utterance.wasStopped() ? 1 : 0;
        spoken += isWhole(utterance) ? 1 : 0;
      }
    }
    assertTrue(stopped > SCHEDULES && spoken > SCHEDULES, stopped + " stopped, " + spoken + " spoken to the end");
  }

  private static List<Utterance> play(int seed) throws InterruptedException {
    Random random = new Random(seed);
    Queue<Throwable> faults = new ConcurrentLinkedQueue<>();
    SpeechEngine engine = new SpeechEngine(new Tones(seed), (message, cause) -> {});
    double pace = random.nextInt(3) == 0 ? 400 : Double.POSITIVE_INFINITY;
    FakeHost host = new FakeHost(engine, new Player(pace, random.nextInt(2)));
    try {
      Thread asker = new Thread(() -> askAbout(engine, seed));
      asker.setUncaughtExceptionHandler((thread, fault) -> faults.add(fault));
      asker.start();
      for (int step = 0; step < 6; step++) {
        switch (random.nextInt(6)) {
          case 0:
            host.stop();
            break;
          case 1:
            host.flush(request(random));
            break;
          case 2:
            for (int burst = 0; burst < 5; burst++) {
              host.flush(request(random));
            }
            break;
          case 3:
            host.stopTooLate();
            break;
          default:
            host.add(request(random));
        }
        if (random.nextInt(3) == 0) {
          Thread.sleep(0, random.nextInt(900_000));
        }
      }
      if (random.nextBoolean()) {
        host.awaitIdle();
      }
      asker.join();
      assertTrue(faults.isEmpty(), faults.toString());
    } finally {
      host.close();
    }
    return host.utterances();
  }

  /** What the system asks on other threads while speech is under way. */
  private static void askAbout(SpeechEngine engine, int seed) {
    Random random = new Random(seed);
    for (int i = 0; i < 10; i++) {
      engine.voices();
      engine.languageAvailability(random.nextBoolean() ? "eng" : null, "USA");
      engine.prepare(VOICES[random.nextInt(VOICES.length)]);
      engine.defaultVoiceName("spa", null);
    }
  }

  private static SpeechRequest request(Random random) {
    StringBuilder text = new StringBuilder();
    for (int words = random.nextInt(8); words > 0; words--) {
      int word = random.nextInt(40);
      text.append(word < WORDS.length ? WORDS[word] : "word").append(' ');
    }
    String language = random.nextBoolean() ? "eng" : "spa";
    String voice = VOICES[random.nextInt(VOICES.length)];
    return new SpeechRequest(text.toString(), voice, language, "", random.nextInt(1000) - 10, random.nextInt(500) - 10);
  }

  private static boolean isWhole(Utterance utterance) {
    if (utterance.wasStopped() || utterance.errorCode() != 0) {
      return false;
    }
    int words = utterance.ranges().size();
    int silentSamples = utterance.heard().length / 2 - words * Tones.STRETCH; // one a stop that came too late
    assertTrue(silentSamples >= 0 && silentSamples < 6, silentSamples + " samples too many");
    assertEquals(words, utterance.request().text().isEmpty() ? 0 : utterance.request().text().trim().split(" ").length);
    return true;
  }

  @Test
  void aFaultInOneRequestLeavesTheNextWhole() throws InterruptedException {
    SpeechEngine engine = new SpeechEngine(new Tones(0), (message, cause) -> {});
    try (FakeHost host = new FakeHost(engine, new Player(Double.POSITIVE_INFINITY, 0))) {
      Utterance broken = host.add(new SpeechRequest("one broken", "", "eng", "USA", 100, 100));
      Utterance bug = host.add(new SpeechRequest("one bug", "", "eng", "USA", 100, 100));
      Utterance foreign = host.add(new SpeechRequest("eins", "", "deu", "DEU", 100, 100));
      Utterance good = host.add(new SpeechRequest("one two", "tone-locked", "eng", "USA", 100, 100));
      host.awaitIdle();
      assertEquals(SpeechSink.ERROR_SYNTHESIS, broken.errorCode());
      assertEquals(SpeechSink.ERROR_SYNTHESIS, bug.errorCode());
      assertEquals(SpeechSink.ERROR_INVALID_REQUEST, foreign.errorCode());
      assertEquals(0, good.errorCode());
      assertEquals(2 * Tones.STRETCH * 2, good.heard().length);
      for (Utterance utterance : host.utterances()) {
        assertEquals(new ArrayList<>(), utterance.violations());
      }
    }
  }

  @Test
  void sentencesFollowWithoutAGap() throws InterruptedException {
    SpeechEngine engine = new SpeechEngine(new Tones(0), (message, cause) -> {});
    try (FakeHost host = new FakeHost(engine, new Player(20, 0))) {
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < 60; i++) {
        text.append("word ");
      }
      Utterance utterance = host.add(new SpeechRequest(text.toString(), "", "eng", "", 100, 100));
      host.awaitIdle();
      assertEquals(0, utterance.underruns());
    }
  }
}
