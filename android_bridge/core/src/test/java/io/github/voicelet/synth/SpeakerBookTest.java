package io.github.voicelet.synth;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.BundleException;
import io.github.voicelet.ConfigException;
import io.github.voicelet.ProfileException;
import io.github.voicelet.json.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The presets of the embedded voice, and who may take their place. */
class SpeakerBookTest {
  private static VoiceManifest manifest;
  private static byte[] presets;
  private static SpeakerBook book;

  @BeforeAll
  static void open() throws IOException {
    Path folder = Paths.get(System.getProperty("voicelet.repository"), "sdk/voicelet/voices/default");
    manifest = new VoiceManifest(Json.parseObject(Files.readAllBytes(folder.resolve("manifest.json"))));
    presets = Files.readAllBytes(folder.resolve("presets.npy"));
    book = new SpeakerBook(manifest, ByteBuffer.wrap(presets));
  }

  @Test
  void presetsAreThoseOfTheManifest() {
    assertEquals("af_heart", book.names().get(0));
    assertArrayEquals(book.vector(null, null), book.vector(null, "af_heart"));
    assertFalse(Arrays.equals(book.vector(null, null), book.vector(null, "am_michael")));
    assertTrue(book.isPreset(book.vector(null, "am_michael")));
    assertThrows(ConfigException.class, () -> book.vector(null, "nobody"));
    Speaker heart = (mean, std) -> book.vector(null, null);
    assertThrows(ConfigException.class, () -> book.vector(heart, "af_heart"));
  }

  @Test
  void aSpeakerGetsTheVoicesStatisticsAndIsChecked() {
    float[] mine = book.vector(null, null).clone();
    mine[0] += 0.25f;
    Speaker person =
        (mean, std) -> {
          assertArrayEquals(manifest.melMean, mean);
          assertArrayEquals(manifest.melStd, std);
          return mine;
        };
    assertArrayEquals(mine, book.vector(person, null));
    assertFalse(book.isPreset(book.vector(person, null)));
    assertThrows(ProfileException.class, () -> book.vector((mean, std) -> new float[3], null));
    for (float wrong : new float[] {Float.NaN, Float.POSITIVE_INFINITY, 0f, 9f}) {
      float[] vector = mine.clone();
      vector[256] = wrong;
      assertThrows(ProfileException.class, () -> book.vector((mean, std) -> vector, null));
    }
    float[] vector = mine.clone();
    vector[7] = Float.NaN;
    assertThrows(ProfileException.class, () -> book.vector((mean, std) -> vector, null));
  }

  @Test
  void damagedPresetsAreRefused() {
    byte[] cut = Arrays.copyOf(presets, presets.length - 1);
    byte[] magic = presets.clone();
    magic[1] = 'X';
    byte[] type = presets.clone();
    type[new String(presets, 0, 128, java.nio.charset.StandardCharsets.ISO_8859_1).indexOf("<f4") + 1] = 'i';
    byte[] infinite = presets.clone();
    Arrays.fill(infinite, 128, 132, (byte) 0x7f);
    infinite[130] = (byte) 0x80;
    for (byte[] wrong : new byte[][] {cut, magic, type, infinite, new byte[0], Arrays.copyOf(presets, 40)}) {
      assertThrows(BundleException.class, () -> new SpeakerBook(manifest, ByteBuffer.wrap(wrong)));
    }
  }
}
