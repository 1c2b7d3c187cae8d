package io.github.voicelet.profiles;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.ConsentException;
import io.github.voicelet.ProfileException;
import io.github.voicelet.trust.TrustGolden;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ProfileTest {
  private static final Map<String, Object> GOLDEN = ProfilesGolden.read("profiles");

  @Test
  void namesAreThoseOfPython() {
    for (Map<String, Object> row : ProfilesGolden.rows(GOLDEN.get("names"))) {
      String name = (String) row.get("name");
      assertEquals(row.get("error"), TrustGolden.failure(() -> ProfileNames.check(name)), name);
      if (row.get("error") == null) {
        assertEquals(row.get("checked"), ProfileNames.check(name));
        assertEquals(row.get("stem"), ProfileNames.fileStem(name));
        assertEquals(row.get("of_file"), ProfileNames.ofFile(ProfileNames.fileStem(name) + ".vclp"));
      }
    }
  }

  @Test
  void profilesOfPythonAreReadAndWrittenToTheSameBytes() throws Exception {
    Path folder = ProfilesGolden.written("profiles");
    int number = 0;
    for (Map<String, Object> row : ProfilesGolden.rows(GOLDEN.get("sound"))) {
      byte[] file = TrustGolden.bytes(row.get("file"));
      Profile profile = Profile.fromBytes(file);
      assertArrayEquals(file, profile.toBytes());
      assertArrayEquals(file, profile.toBuilder().build().toBytes());
      assertEquals(row.get("name"), profile.name());
      assertEquals(row.get("speech_s"), profile.speechS());
      assertArrayEquals(ProfilesGolden.floats(row.get("d_vector")), profile.dVector());
      assertArrayEquals(
          ProfilesGolden.floats(row.get("log_f0")), new float[] {profile.logF0Mean(), profile.logF0Std()});
      assertEquals(((Long) row.get("bands")).intValue(), profile.ltas().length);
      assertEquals(row.get("snr_db"), profile.quality().figures().get("snr_db"));
      assertEquals(row.get("warnings"), profile.quality().warnings());
      assertEquals(row.get("voice_sha256"), profile.voiceSha256());
      assertEquals(row.get("voiceprint_sha256"), profile.voiceprintSha256());
      assertEquals(row.get("agreed"), profile.agreedAdaptation() != null);
      if (row.get("vector") == null) {
        assertNull(profile.adaptation());
      } else {
        assertArrayEquals(ProfilesGolden.floats(row.get("vector")), profile.adaptation().vector());
      }
      if (row.get("consent") == null) {
        assertThrows(ConsentException.class, profile::checkRecord);
      } else {
        assertArrayEquals(TrustGolden.bytes(row.get("consent")), profile.checkRecord().toBytes());
      }
      Files.write(folder.resolve(number++ + ".vclp"), profile.toBytes());
    }
    assertEquals(7, number);
  }

  @Test
  void whatPythonRefusesIsRefusedWithTheSameError() {
    List<Map<String, Object>> rows = ProfilesGolden.rows(GOLDEN.get("files"));
    assertTrue(rows.size() > 70);
    for (Map<String, Object> row : rows) {
      byte[] file = TrustGolden.bytes(row.get("file"));
      assertEquals(row.get("error"), TrustGolden.failure(() -> Profile.fromBytes(file)), (String) row.get("what"));
    }
  }

  @Test
  void aChangedSignatureIsNoConsent() {
    for (Map<String, Object> row : ProfilesGolden.rows(GOLDEN.get("files"))) {
      if (row.get("what").equals("consent: not checked here")) {
        Profile profile = Profile.fromBytes(TrustGolden.bytes(row.get("file")));
        assertThrows(ConsentException.class, profile::checkRecord);
        return;
      }
    }
    throw new AssertionError("no such case");
  }

  @Test
  void aConsentIsWorthNothingBesideAnotherVoice() {
    Profile ana = ProfilesGolden.ana();
    float[] other = ana.dVector();
    other[0] += 1e-4f;
    ProfileBuilder changed = ana.toBuilder().dVector(other, ana.encoderId());
    assertThrows(ConsentException.class, changed::build);
    Profile unsaid = changed.consent(null).build();
    assertNotEquals(ana.voiceSha256(), unsaid.voiceSha256());
    Adaptation learnt = new Adaptation("ab".repeat(32), new float[] {0.5f}, 0, 1, 0, 0, 0, 0);
    assertThrows(ConsentException.class, () -> ana.toBuilder().adaptation(learnt).build());
  }

  @Test
  void halvesAreRoundedAsNumpyDoes() {
    int count = 0;
    for (Object pair : io.github.voicelet.json.Json.array(GOLDEN.get("halves"), "halves")) {
      float[] numbers = ProfilesGolden.floats(pair);
      assertEquals(numbers[1], Half.value(Half.bits(numbers[0])), "" + numbers[0]);
      count++;
    }
    assertTrue(count > 1500);
    assertTrue(Float.isInfinite(Half.value(Half.bits(65520f))));
    assertThrows(
        ProfileException.class, () -> new Adaptation("ab".repeat(32), new float[] {65520f}, 0, 1, 0, 0, 0, 0));
  }

  @Test
  void nothingOfAVoiceIsInItsText() {
    Profile ana = ProfilesGolden.ana();
    assertEquals("Profile('ana')", ana.toString());
    ana.dVector()[0] = 9;
    ana.ltas()[0] = 9;
    assertFalse(ana.dVector()[0] == 9 || ana.ltas()[0] == 9);
    assertEquals(ana, Profile.fromBytes(ana.toBytes()));
  }
}
