package io.github.voicelet.ort;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.CancelledSpeechException;
import io.github.voicelet.synth.SpeechOptions;
import io.github.voicelet.synth.SpeechStream;
import io.github.voicelet.synth.Voice;
import io.github.voicelet.text.PhoneClause;
import java.util.Collections;
import java.util.Iterator;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Streams end when they are told to, and no others with them. */
@Timeout(120)
class CancelTest {
  private static final PhoneClause CLAUSE = new PhoneClause("wˈʌn tˈu θɹˈi fˈɔɹ fˈIv sˈɪks sˈɛvən ˈAt.");

  private static Voice voice;

  @BeforeAll
  static void open() {
    voice = Voice.load(new FolderFiles(), new OrtEngine(), (text, options) -> endless());
  }

  @AfterAll
  static void close() {
    voice.close();
  }

  private static Iterator<PhoneClause> endless() {
    return Collections.nCopies(Integer.MAX_VALUE, CLAUSE).iterator();
  }

  @Test
  void nothingIsMadeAfterCancelling() {
    SpeechStream stream = voice.streamPhones(endless(), SpeechOptions.DEFAULT);
    for (int i = 0; i < 3; i++) {
      assertTrue(stream.next().samples().length > 0);
    }
    stream.cancel();
    assertThrows(CancelledSpeechException.class, stream::next);
    assertThrows(CancelledSpeechException.class, stream::hasNext);
    SpeechStream early = voice.streamPhones(endless(), SpeechOptions.DEFAULT);
    early.cancel();
    assertThrows(CancelledSpeechException.class, early::hasNext);
  }

  @Test
  void anotherThreadEndsAStreamAtAnyMomentWithinOneChunk() throws InterruptedException {
    Random random = new Random(15);
    for (int round = 0; round < 40; round++) {
      SpeechStream stream = voice.streamPhones(endless(), SpeechOptions.DEFAULT);
      CountDownLatch cancelled = new CountDownLatch(1);
      int nanos = random.nextInt(30_000_000);
      Thread stopper =
          new Thread(
              () -> {
                long until = System.nanoTime() + nanos;
                while (System.nanoTime() < until) {
                  Thread.yield();
                }
                stream.cancel();
                cancelled.countDown();
              });
      AtomicInteger after = new AtomicInteger();
      stopper.start();
      assertThrows(
          CancelledSpeechException.class,
          () -> {
            while (true) {
              boolean late = cancelled.getCount() == 0;
              stream.next();
              if (late) {
                after.incrementAndGet();
              }
            }
          });
      stopper.join();
      assertEquals(0, after.get()); // what was asked for afterwards
    }
  }

  @Test
  void cancellingOneStreamLeavesAnotherAlone() throws InterruptedException {
    float[] expected =
        voice.synthesizePhones(Collections.nCopies(6, CLAUSE).iterator(), SpeechOptions.DEFAULT).samples();
    SpeechStream other = voice.streamPhones(endless(), SpeechOptions.DEFAULT);
    Thread canceller =
        new Thread(
            () -> {
              for (int i = 0; i < 50; i++) {
                SpeechStream stream = voice.streamPhones(endless(), SpeechOptions.DEFAULT);
                Thread reader = new Thread(() -> readToEnd(stream));
                reader.start();
                Thread.yield();
                stream.cancel();
                join(reader);
              }
            });
    canceller.start();
    int at = 0;
    while (at < expected.length - 24_000) {
      for (float sample : other.next().samples()) {
        assertEquals(expected[at++], sample, 1e-3f);
      }
    }
    canceller.join();
  }

  private static void readToEnd(SpeechStream stream) {
    try {
      while (stream.hasNext()) {
        stream.next();
      }
    } catch (CancelledSpeechException e) {
      return; // as it should
    }
    throw new AssertionError("an endless stream ended");
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
