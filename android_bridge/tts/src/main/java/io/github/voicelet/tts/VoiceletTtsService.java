package io.github.voicelet.tts;

import android.speech.tts.SynthesisCallback;
import android.speech.tts.SynthesisRequest;
import android.speech.tts.TextToSpeech;
import android.speech.tts.TextToSpeechService;
import android.speech.tts.Voice;
import io.github.voicelet.engine.EngineVoice;
import io.github.voicelet.engine.Languages;
import io.github.voicelet.engine.SpeechEngine;
import io.github.voicelet.engine.SpeechRequest;
import io.github.voicelet.engine.VoiceShelf;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The phone's speech engine. What it does is in {@link SpeechEngine}; here the system's calls are handed through.
 *
 * <p>An app extends it, says which voices there are, and declares it in its manifest.
 */
public abstract class VoiceletTtsService extends TextToSpeechService {
  private final Object lock = new Object();
  private SpeechEngine engine;
  private String[] language = {"", "", ""};

  @Override
  protected int onIsLanguageAvailable(String language, String country, String variant) {
    return engine().languageAvailability(language, country);
  }

  /** The system calls this on its synthesis thread, and on another one while the engine starts. */
  @Override
  protected int onLoadLanguage(String language, String country, String variant) {
    int availability = engine().languageAvailability(language, country);
    if (availability >= Languages.AVAILABLE) {
      String voice = engine().defaultVoiceName(language, country);
      if (voice != null) {
        engine().prepare(voice);
      }
      String spokenCountry = availability == Languages.COUNTRY_AVAILABLE && country != null ? country : "";
      synchronized (lock) {
        this.language = new String[] {language, spokenCountry, ""};
      }
    }
    return availability;
  }

  @Override
  protected String[] onGetLanguage() {
    synchronized (lock) {
      return language.clone();
    }
  }

  @Override
  public List<Voice> onGetVoices() {
    List<Voice> voices = new ArrayList<>();
    for (EngineVoice voice : engine().voices()) {
      Set<String> features = new HashSet<>();
      voices.add(
          new Voice(
              voice.name(), voice.locale(), Voice.QUALITY_HIGH, Voice.LATENCY_VERY_LOW, /* requiresNetworkConnection= */ false, features));
    }
    return voices;
  }

  @Override
  public int onIsValidVoiceName(String voiceName) {
    return engine().isVoice(voiceName) ? TextToSpeech.SUCCESS : TextToSpeech.ERROR;
  }

  @Override
  public int onLoadVoice(String voiceName) {
    return engine().prepare(voiceName) ? TextToSpeech.SUCCESS : TextToSpeech.ERROR;
  }

  @Override
  public String onGetDefaultVoiceNameFor(String language, String country, String variant) {
    return engine().defaultVoiceName(language, country);
  }

  @Override
  protected Set<String> onGetFeaturesForLanguage(String language, String country, String variant) {
    return new HashSet<>();
  }

  @Override
  protected void onStop() {
    engine().stop();
  }

  @Override
  protected void onSynthesizeText(SynthesisRequest request, SynthesisCallback callback) {
    engine()
        .synthesize(
            new SpeechRequest(
                String.valueOf(request.getCharSequenceText()),
                request.getVoiceName(),
                request.getLanguage(),
                request.getCountry(),
                request.getSpeechRate(),
                request.getPitch()),
            new CallbackSink(callback));
  }

  /** The voices are opened when they are first needed: this service has to start at once, and never fail to. */
  private SpeechEngine engine() {
    synchronized (lock) {
      if (engine == null) {
        engine = new SpeechEngine(newVoices(), new AndroidLog());
      }
      return engine;
    }
  }

  /** The voices; asked for once, when the system first wants to know something. */
  protected abstract VoiceShelf newVoices();
}
