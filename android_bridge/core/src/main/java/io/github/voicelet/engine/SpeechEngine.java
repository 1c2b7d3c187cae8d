package io.github.voicelet.engine;

import io.github.voicelet.CancelledSpeechException;
import io.github.voicelet.VoiceletException;
import java.util.ArrayList;
import java.util.List;

/**
 * A speech engine as a phone's system sees it: voices, languages, requests, stop.
 *
 * <p>{@link #synthesize} is called by one thread at a time; everything else may be called by any thread at any moment, and returns at
 * once. No call throws for what an app or a user did: a screen reader that gets an exception is a phone that has fallen silent.
 */
public final class SpeechEngine {
  private final VoiceShelf shelf;
  private final EngineLog log;
  private final Object running = new Object();
  private SpeechStream current;

  public SpeechEngine(VoiceShelf shelf, EngineLog log) {
    this.shelf = shelf;
    this.log = log;
  }

  /** The voices that can speak now. */
  public List<EngineVoice> voices() {
    try {
      return new ArrayList<>(shelf.voices());
    } catch (VoiceletException e) {
      log.warning("the voices can't be listed", e);
      return new ArrayList<>();
    }
  }

  /** How well a language is met: a constant of {@link Languages}. */
  public int languageAvailability(String language, String country) {
    return Languages.availability(voices(), plain(language), plain(country));
  }

  /** The name of the voice that speaks a language, or null where none does. */
  public String defaultVoiceName(String language, String country) {
    EngineVoice voice = Languages.choose(voices(), plain(language), plain(country));
    return voice == null ? null : voice.name();
  }

  /** Whether there is such a voice now. */
  public boolean isVoice(String name) {
    return Languages.named(voices(), plain(name)) != null;
  }

  /** Get a voice ready, so that the first request doesn't wait for it; false where that can't be done. */
  public boolean prepare(String name) {
    EngineVoice voice = Languages.named(voices(), plain(name));
    if (voice == null) {
      return false;
    }
    try {
      shelf.open(voice);
      return true;
    } catch (VoiceletException e) {
      log.warning("the voice can't be opened", e);
      return false;
    }
  }

  /** End the request that is being spoken, if there is one. */
  public void stop() {
    synchronized (running) {
      if (current != null) {
        current.cancel();
      }
    }
  }

  /** Speak one request, from its start to its {@link SpeechSink#done}. */
  public void synthesize(SpeechRequest request, SpeechSink sink) {
    try {
      speak(request, sink);
    } catch (VoiceletException e) {
      log.warning("a request wasn't spoken to its end", e);
      sink.error(SpeechSink.ERROR_SYNTHESIS);
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      // A fault of ours. The system would restart the service, and meanwhile the phone would be silent: the next request may do.
      log.warning("a fault of the engine", e);
      sink.error(SpeechSink.ERROR_SYNTHESIS);
    } finally {
      sink.done();
    }
  }

  private void speak(SpeechRequest request, SpeechSink sink) {
    PcmWriter out = null;
    boolean finished = false;
    while (!finished) {
      Opened opened = open(request);
      if (opened == null) {
        sink.error(SpeechSink.ERROR_INVALID_REQUEST);
        return;
      }
      try (SpeechStream stream = opened.stream) {
        if (out == null) {
          if (sink.start(opened.sampleRateHz) != SpeechSink.SUCCESS) {
            return;
          }
          out = new PcmWriter(sink);
        }
        setCurrent(stream);
        finished = deliver(stream, out);
      } finally {
        setCurrent(null);
      }
    }
  }

  /**
   * Hand over all of a stream. False if it was cancelled although this request is still wanted: the system may stop a request at the very moment
   * in which it ends, and so hit the next one. That one is then spoken anew, from where it had come to.
   */
  private static boolean deliver(SpeechStream stream, PcmWriter out) {
    out.rewind();
    try {
      for (SpeechStretch stretch = stream.next(); stretch != null; stretch = stream.next()) {
        if (!out.write(stretch)) {
          return true;
        }
      }
      out.flush();
      return true;
    } catch (CancelledSpeechException e) {
      return !out.isWanted();
    }
  }

  private void setCurrent(SpeechStream stream) {
    synchronized (running) {
      current = stream;
    }
  }

  /**
   * The voice that was asked for; where it can't be had, the first of its language that can: a phone that speaks with another voice
   * is better than one that says nothing. Null where nothing speaks the language.
   */
  private Opened open(SpeechRequest request) {
    List<EngineVoice> left = voices();
    EngineVoice wanted = Languages.named(left, request.voiceName());
    VoiceletException last = null;
    while (true) {
      EngineVoice voice = wanted != null ? wanted : Languages.choose(left, request.language(), request.country());
      if (voice == null) {
        break;
      }
      try {
        SpeakingVoice speaking = shelf.open(voice);
        return new Opened(speaking.sampleRateHz(), speaking.speak(request));
      } catch (VoiceletException e) {
        log.warning("another voice speaks, for the one that was asked for can't", e);
        last = e;
        left.remove(voice);
        wanted = Languages.choose(left, voice.locale().getLanguage(), voice.locale().getCountry());
      }
    }
    if (last != null) {
      throw last;
    }
    return null;
  }

  private static String plain(String text) {
    return text == null ? "" : text;
  }

  private static final class Opened {
    final int sampleRateHz;
    final SpeechStream stream;

    Opened(int sampleRateHz, SpeechStream stream) {
      this.sampleRateHz = sampleRateHz;
      this.stream = stream;
    }
  }
}
