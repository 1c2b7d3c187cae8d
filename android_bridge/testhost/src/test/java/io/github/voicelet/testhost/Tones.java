package io.github.voicelet.testhost;

import io.github.voicelet.BundleException;
import io.github.voicelet.CancelledSpeechException;
import io.github.voicelet.ProfileLockedException;
import io.github.voicelet.engine.EngineVoice;
import io.github.voicelet.engine.SpeakingVoice;
import io.github.voicelet.engine.SpeechRequest;
import io.github.voicelet.engine.SpeechStream;
import io.github.voicelet.engine.SpeechStretch;
import io.github.voicelet.engine.VoiceShelf;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/** Voices that hum a tone for each word and have every fault that a voice can have, for schedules that a real voice is too slow for. */
final class Tones implements VoiceShelf {
  static final int RATE_HZ = 24000;
  static final int STRETCH = 1920;

  private static final EngineVoice ENGLISH = new EngineVoice("tone-en", Locale.US, false);
  private static final EngineVoice SPANISH = new EngineVoice("tone-es", new Locale("es", "ES"), false);
  private static final EngineVoice LOCKED = new EngineVoice("tone-locked", Locale.US, true);

  private final Random random;

  Tones(long seed) {
    random = new Random(seed);
  }

  @Override
  public List<EngineVoice> voices() {
    return Arrays.asList(ENGLISH, SPANISH, LOCKED);
  }

  @Override
  public SpeakingVoice open(EngineVoice voice) {
    if (voice == LOCKED) {
      throw new ProfileLockedException("unlock the device first");
    }
    return new Tone();
  }

  private final class Tone implements SpeakingVoice {
    @Override
    public int sampleRateHz() {
      return RATE_HZ;
    }

    @Override
    public SpeechStream speak(SpeechRequest request) {
      if (request.text().contains("unspeakable")) {
        throw new BundleException("no phones for this");
      }
      return new Hum(request.text());
    }
  }

  private final class Hum implements SpeechStream {
    private final String text;
    private int at;
    private volatile boolean cancelled;

    Hum(String text) {
      this.text = text;
    }

    @Override
    public SpeechStretch next() {
      linger();
      if (cancelled) {
        throw new CancelledSpeechException("stopped");
      }
      int start = at;
      while (start < text.length() && text.charAt(start) == ' ') {
        start++;
      }
      if (start == text.length()) {
        return null;
      }
      int end = text.indexOf(' ', start);
      end = end < 0 ? text.length() : end;
      at = end;
      String word = text.substring(start, end);
      if (word.equals("broken")) {
        throw new BundleException("a graph gave NaN");
      }
      if (word.equals("bug")) {
        throw new IllegalStateException("a fault of the engine");
      }
      float[] samples = new float[STRETCH];
      Arrays.fill(samples, 0.25f);
      return new SpeechStretch(samples, new int[] {0, start, end});
    }

    private void linger() {
      long end;
      synchronized (random) {
        end = System.nanoTime() + random.nextInt(200_000);
      }
      while (System.nanoTime() < end && !cancelled) {
        Thread.yield();
      }
    }

    @Override
    public void cancel() {
      cancelled = true;
    }

    @Override
    public void close() {
      cancelled = true;
    }
  }
}
