package io.github.voicelet.ort;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.CancelledSpeechException;
import io.github.voicelet.bundle.Bundle;
import io.github.voicelet.bundle.BundleTrust;
import io.github.voicelet.engine.BundleVoice;
import io.github.voicelet.engine.SpeechRequest;
import io.github.voicelet.engine.SpeechStream;
import io.github.voicelet.engine.SpeechStretch;
import io.github.voicelet.synth.SpeechOptions;
import io.github.voicelet.synth.Voice;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** A voice as the phone's speech engine asks it. */
class BundleVoiceTest {
  private static int samples(BundleVoice voice, String text, int ratePercent) {
    int count = 0;
    try (SpeechStream stream = voice.speak(new SpeechRequest(text, "", "eng", "USA", ratePercent, 100))) {
      for (SpeechStretch stretch = stream.next(); stretch != null; stretch = stream.next()) {
        count += stretch.samples().length;
      }
    }
    return count;
  }

  @Test
  void speaksAtTheRateThatWasAskedForAndEndsWhenToldTo() throws IOException {
    SynthCases cases = new SynthCases();
    SynthCases.Case spoken = cases.get("long");
    Bundle shipped = Bundle.open(Repository.VOICE.toFile(), BundleTrust.packaged().requiringSignature());
    try (Voice opened =
        Voice.load(shipped.voiceFiles(), new OrtEngine(), (text, options) -> cases.ofText(text).clauses.iterator())) {
      BundleVoice voice = new BundleVoice(opened, SpeechOptions.builder().preset("am_michael").build());
      assertEquals(24_000, voice.sampleRateHz());
      int usual = samples(voice, spoken.text, 100);
      int fast = samples(voice, spoken.text, 400);
      assertTrue(usual > 15 * 24_000 && usual < 25 * 24_000, usual + " samples");
      assertEquals(usual / 4.0, fast, 0.15 * usual / 4.0);
      SpeechStream stream = voice.speak(new SpeechRequest(spoken.text, "", "eng", "USA", 100, 100));
      assertTrue(stream.next().samples().length > 0);
      stream.cancel();
      assertThrows(CancelledSpeechException.class, stream::next);
    }
  }
}
