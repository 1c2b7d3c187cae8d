package io.github.voicelet.tts;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import android.media.AudioFormat;
import android.os.Build;
import android.os.Bundle;
import android.speech.tts.SynthesisCallback;
import android.speech.tts.SynthesisRequest;
import android.speech.tts.TextToSpeech;
import android.speech.tts.Voice;
import io.github.voicelet.ProfileLockedException;
import io.github.voicelet.engine.EngineVoice;
import io.github.voicelet.engine.SpeakingVoice;
import io.github.voicelet.engine.SpeechRequest;
import io.github.voicelet.engine.SpeechStream;
import io.github.voicelet.engine.SpeechStretch;
import io.github.voicelet.engine.VoiceShelf;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** The service under Android's own classes, which run on a plain JVM as far as no device is asked for anything. */
class VoiceletTtsServiceTest {
  private final Service service = new Service();

  @Test
  void claimsOnlyWhatItSpeaks() {
    assertEquals(TextToSpeech.LANG_COUNTRY_AVAILABLE, service.onIsLanguageAvailable("eng", "USA", ""));
    assertEquals(TextToSpeech.LANG_AVAILABLE, service.onIsLanguageAvailable("eng", "AUS", ""));
    assertEquals(TextToSpeech.LANG_NOT_SUPPORTED, service.onIsLanguageAvailable("deu", "DEU", ""));
    assertEquals(TextToSpeech.LANG_NOT_SUPPORTED, service.onIsLanguageAvailable(null, null, null));
    assertEquals(TextToSpeech.LANG_AVAILABLE, service.onLoadLanguage("eng", "AUS", ""));
    assertArrayEquals(new String[] {"eng", "", ""}, service.onGetLanguage());
    assertEquals(TextToSpeech.LANG_NOT_SUPPORTED, service.onLoadLanguage("deu", "DEU", ""));
    assertArrayEquals(new String[] {"eng", "", ""}, service.onGetLanguage());
  }

  @Test
  void listsItsVoicesAndKnowsThemByName() {
    List<String> names = new ArrayList<>();
    for (Voice voice : service.onGetVoices()) {
      names.add(voice.getName() + " " + voice.getLocale() + " " + voice.isNetworkConnectionRequired());
    }
    assertEquals(Arrays.asList("default en_US false", "ana en_US false"), names);
    assertEquals("default", service.onGetDefaultVoiceNameFor("eng", "USA", ""));
    assertNull(service.onGetDefaultVoiceNameFor("fra", "FRA", ""));
    assertEquals(TextToSpeech.SUCCESS, service.onIsValidVoiceName("ana"));
    assertEquals(TextToSpeech.ERROR, service.onIsValidVoiceName("bob"));
    assertEquals(TextToSpeech.ERROR, service.onIsValidVoiceName(null));
    assertEquals(TextToSpeech.SUCCESS, service.onLoadVoice("default"));
    assertEquals(TextToSpeech.ERROR, service.onLoadVoice("ana"));
  }

  @Test
  void speaksARequestOfAndroids() {
    Callback callback = new Callback();
    service.onSynthesizeText(new SynthesisRequest("hello", new Bundle()), callback);
    // The request names no language (its app chose none), so nobody speaks it: an error, and then the end.
    assertEquals(Arrays.asList("error " + TextToSpeech.ERROR_INVALID_REQUEST, "done"), callback.calls);
    callback.calls.clear();
    service.onSynthesizeText(english("hello", ""), callback);
    assertEquals(Arrays.asList("start 24000 2 1", "audio 8192", "audio 1408", "done"), callback.calls);
  }

  @Test
  void wordsAreReportedWhereAndroidCanTakeThem() {
    Callback callback = new Callback();
    Build.VERSION.SDK_INT = Build.VERSION_CODES.O;
    try {
      service.onSynthesizeText(english("hello", ""), callback);
    } finally {
      Build.VERSION.SDK_INT = 24;
    }
    assertEquals("range 0 0 5", callback.calls.get(1));
  }

  @Test
  void aLockedVoiceIsSpokenByAnother() {
    Callback callback = new Callback();
    service.onSynthesizeText(english("hello", "ana"), callback);
    assertEquals("start 24000 2 1", callback.calls.get(0));
    assertEquals("done", callback.calls.get(callback.calls.size() - 1));
  }

  /** A request in English: what the system does with the hidden setters of a request before it hands it over. */
  private static SynthesisRequest english(String text, String voice) {
    SynthesisRequest request = new SynthesisRequest(text, new Bundle());
    try {
      Method language = SynthesisRequest.class.getDeclaredMethod("setLanguage", String.class, String.class, String.class);
      Method name = SynthesisRequest.class.getDeclaredMethod("setVoiceName", String.class);
      Method rate = SynthesisRequest.class.getDeclaredMethod("setSpeechRate", int.class);
      Method pitch = SynthesisRequest.class.getDeclaredMethod("setPitch", int.class);
      for (Method setter : new Method[] {language, name, rate, pitch}) {
        setter.setAccessible(true);
      }
      language.invoke(request, "eng", "USA", "");
      name.invoke(request, voice);
      rate.invoke(request, 100);
      pitch.invoke(request, 100);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
    return request;
  }

  private static final class Service extends VoiceletTtsService {
    @Override
    protected VoiceShelf newVoices() {
      EngineVoice preset = new EngineVoice("default", Locale.US, false);
      EngineVoice ana = new EngineVoice("ana", Locale.US, true);
      return new VoiceShelf() {
        @Override
        public List<EngineVoice> voices() {
          return Arrays.asList(preset, ana);
        }

        @Override
        public SpeakingVoice open(EngineVoice voice) {
          if (voice.personal()) {
            throw new ProfileLockedException("unlock the device first");
          }
          return new Hum();
        }
      };
    }
  }

  private static final class Hum implements SpeakingVoice {
    @Override
    public int sampleRateHz() {
      return 24000;
    }

    @Override
    public SpeechStream speak(SpeechRequest request) {
      return new SpeechStream() {
        private int left = 1;

        @Override
        public SpeechStretch next() {
          return left-- > 0 ? new SpeechStretch(new float[4800], new int[] {0, 0, request.text().length()}) : null;
        }

        @Override
        public void cancel() {}

        @Override
        public void close() {}
      };
    }
  }

  private static final class Callback implements SynthesisCallback {
    final List<String> calls = new ArrayList<>();

    @Override
    public int getMaxBufferSize() {
      return 8192;
    }

    @Override
    public int start(int sampleRateInHz, int audioFormat, int channelCount) {
      assertEquals(AudioFormat.ENCODING_PCM_16BIT, audioFormat);
      calls.add("start " + sampleRateInHz + " " + audioFormat + " " + channelCount);
      return TextToSpeech.SUCCESS;
    }

    @Override
    public int audioAvailable(byte[] buffer, int offset, int length) {
      calls.add("audio " + length);
      return TextToSpeech.SUCCESS;
    }

    @Override
    public void rangeStart(int frame, int start, int end) {
      calls.add("range " + frame + " " + start + " " + end);
    }

    @Override
    public int done() {
      calls.add("done");
      return TextToSpeech.SUCCESS;
    }

    @Override
    public void error() {
      error(TextToSpeech.ERROR_SYNTHESIS);
    }

    @Override
    public void error(int errorCode) {
      calls.add("error " + errorCode);
    }

    @Override
    public boolean hasStarted() {
      return !calls.isEmpty();
    }

    @Override
    public boolean hasFinished() {
      return calls.contains("done");
    }
  }
}
