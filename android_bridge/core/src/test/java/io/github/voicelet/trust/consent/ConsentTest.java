package io.github.voicelet.trust.consent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.ConsentEndedException;
import io.github.voicelet.ConsentException;
import io.github.voicelet.VoiceletException;
import io.github.voicelet.json.Json;
import io.github.voicelet.trust.TrustGolden;
import io.github.voicelet.trust.keys.DeviceKey;
import io.github.voicelet.trust.keys.SigningKey;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Records that Python made, changed and judged, and what is asked of them here. */
class ConsentTest {
  private static final Map<String, Object> GOLDEN = TrustGolden.object("consents");
  private static final String VOICE = (String) GOLDEN.get("voice");
  private static final long NOW = UtcTime.parse("now", (String) GOLDEN.get("now"));
  private static final SigningKey OWN = SigningKey.of(TrustGolden.seed(1));
  private static final SigningKey OTHER = SigningKey.of(TrustGolden.seed(2));
  private static final SigningKey THIRD = SigningKey.of(TrustGolden.seed(3));

  @TempDir Path data;

  @BeforeEach
  void keepThePythonDevicesKey() throws IOException {
    TrustGolden.write(data.resolve("keys"), TrustGolden.object("keys", "files"));
  }

  private File file(String name) {
    return data.resolve(name).toFile();
  }

  /** Where a record fails, in the order in which a profile asks, and with what error. */
  private String[] judged(byte[] raw, Map<String, Object> row, int number) {
    DeviceKey device = new DeviceKey(file("keys"));
    String purpose = (String) row.getOrDefault("purpose", Purposes.OWN_USE);
    long now = row.containsKey("now") ? UtcTime.parse("now", (String) row.get("now")) : NOW;
    String stage = "parse";
    try {
      ConsentRecord record = ConsentRecord.parse(raw);
      stage = "verify";
      record.verify((String) row.getOrDefault("voice", VOICE));
      stage = "revoked";
      Revocations revocations = new Revocations(file("revoked-" + number), file("states-" + number), device);
      for (Object id : Json.array(row.getOrDefault("revoked", Collections.emptyList()), "revoked")) {
        revocations.add((String) id, "asked for", NOW);
      }
      revocations.check(record);
      stage = "check";
      record.check(purpose, now);
      stage = "authority";
      TrustedSigners signers = new TrustedSigners(file("signers-" + number));
      for (Object item : Json.array(row.getOrDefault("signers", Collections.emptyList()), "signers")) {
        List<Object> signer = Json.array(item, "a signer");
        String[] purposes = Json.array(signer.get(2), "purposes").toArray(new String[0]);
        signers.trust((String) signer.get(0), (String) signer.get(1), Arrays.asList(purposes), NOW);
      }
      new ConsentAuthority(device, signers, new LatestTime(file("time-" + number))).check(record, purpose, now);
    } catch (VoiceletException e) {
      return new String[] {stage, e.getClass().getSimpleName().replace("Exception", "")};
    }
    return new String[] {"", null};
  }

  @Test
  void judgesRecordsAsPythonDoes() {
    int number = 0;
    int sound = 0;
    for (Map<String, Object> row : TrustGolden.rows(GOLDEN, "records")) {
      String[] verdict = judged(TrustGolden.bytes(row.get("record")), row, number++);
      assertArrayEquals(new Object[] {row.get("stage"), row.get("error")}, verdict, (String) row.get("name"));
      sound += verdict[1] == null ? 1 : 0;
    }
    assertTrue(sound > 15 && number - sound > 60, sound + " of " + number);
  }

  @Test
  void findsEveryByteThatWasChanged() {
    Map<String, Object> tampered = TrustGolden.object("consents", "tampered");
    byte[] raw = TrustGolden.bytes(tampered.get("record"));
    List<Object> stages = Json.array(tampered.get("stages"), "stages");
    assertEquals(raw.length, stages.size());
    for (int i = 0; i < raw.length; i++) {
      byte[] changed = raw.clone();
      changed[i] ^= (byte) (1 + i % 7);
      String[] verdict = judged(changed, Collections.emptyMap(), -1);
      assertArrayEquals(new Object[] {stages.get(i), "Consent"}, verdict, "byte " + i);
    }
    assertNull(judged(raw, Collections.emptyMap(), -1)[1]);
  }

  private static byte[] golden(String name) {
    for (Map<String, Object> row : TrustGolden.rows(GOLDEN, "records")) {
      if (name.equals(row.get("name"))) {
        return TrustGolden.bytes(row.get("record"));
      }
    }
    throw new AssertionError("no record " + name);
  }

  private static ConsentDraft draft() {
    String id = "0123456789abcdef0123456789abcdef";
    return ConsentDraft.scripted("Ana Sílva", "agreed in writing", VOICE).id(id);
  }

  @Test
  void writesRecordsToTheSameBytesAsPython() {
    String otherVoice = VOICE.replace("ab", "cd");
    ConsentRecord scripted = draft().signed(OWN, NOW);
    assertArrayEquals(golden("scripted"), scripted.toBytes());
    assertArrayEquals(golden("ends tomorrow"), draft().expires(NOW + UtcTime.DAY_S).signed(OWN, NOW).toBytes());
    ConsentRecord wide = draft().purposes(Purposes.ALL).signed(OWN, NOW);
    assertArrayEquals(golden("countersigned by a stranger"), wide.countersignedBy(THIRD).toBytes());
    ConsentRecord spoken =
        ConsentDraft.spoken(
                "Ana Si\u0301lva",
                "Today is December 1st, 2026, and I let Voicelet learn my voice: amber, river, candle, and seven.",
                VOICE.replace("ab", "ef"),
                VOICE)
            .id("0123456789abcdef0123456789abcdef")
            .purposes(Arrays.asList("federation", "research", "publishing", "assistive", "own-use", "research"))
            .signed(OWN, NOW);
    assertArrayEquals(golden("spoken"), spoken.toBytes());
    List<String> ownUse = Collections.singletonList(Purposes.OWN_USE);
    assertArrayEquals(golden("renewed"), spoken.renewed(otherVoice, ownUse, OWN).toBytes());
    ConsentRecord foreign = draft().signed(OTHER, NOW);
    assertArrayEquals(golden("renewed after a stranger"), foreign.renewed(otherVoice, ownUse, OWN).toBytes());
    String[] replaced = {VOICE.substring(0, 32).replace("ab", "11"), VOICE.substring(0, 32).replace("ab", "22")};
    assertArrayEquals(golden("follows others"), spoken.following(Arrays.asList(replaced), OWN).toBytes());
  }

  @Test
  void refusesDraftsAndChangesThatCantBe() {
    ConsentRecord record = draft().signed(OWN, NOW);
    assertThrows(ConsentException.class, () -> draft().expires(NOW).signed(OWN, NOW));
    assertThrows(ConsentException.class, () -> ConsentDraft.scripted("", "reason", VOICE));
    assertThrows(ConsentException.class, () -> ConsentDraft.scripted("Ana", " ", VOICE));
    assertThrows(ConsentException.class, () -> ConsentDraft.scripted("A\u200bna", "reason", VOICE));
    assertThrows(ConsentException.class, () -> draft().purposes(Collections.emptyList()));
    assertThrows(
        ConsentException.class, () -> ConsentDraft.spoken("Ana", "I agree.", VOICE, VOICE).signed(OWN, NOW));
    assertThrows(ConsentException.class, () -> record.countersignedBy(OWN));
    assertThrows(ConsentException.class, () -> record.renewed(VOICE, Collections.singleton("research"), OWN));
    assertThrows(ConsentException.class, () -> record.renewed("x", record.purposes(), OWN));
    ConsentRecord old = ConsentRecord.parse(golden("version 1"));
    assertThrows(ConsentException.class, () -> old.countersignedBy(THIRD));
    assertThrows(ConsentException.class, () -> old.following(Collections.singleton("11"), OWN));
    assertTrue(old.isOfVoiceprint());
  }

  @Test
  void theSignersListIsReadAndWrittenAsPythonDoes() throws IOException {
    Map<String, Object> golden = TrustGolden.object("consents", "signers");
    List<Object> keys = Json.array(golden.get("keys"), "keys");
    TrustedSigners signers = new TrustedSigners(file("mine.json"));
    assertTrue(signers.entries().isEmpty());
    signers.trust((String) keys.get(0), "the clinic, 2nd floor", Arrays.asList("publishing", "own-use"), NOW);
    signers.trust(keys.get(1).toString().toUpperCase(), "Ana’s phone", Purposes.BY_STATEMENT, NOW);
    for (Map<String, Object> row : TrustGolden.rows(golden, "cases")) {
      byte[] raw = TrustGolden.bytes(row.get("file"));
      if (row.get("name").equals("sound")) {
        assertArrayEquals(raw, Files.readAllBytes(data.resolve("mine.json")));
      }
      Files.write(data.resolve("theirs.json"), raw);
      TrustedSigners read = new TrustedSigners(file("theirs.json"));
      assertEquals(row.get("error"), TrustGolden.failure(read::entries), (String) row.get("name"));
      if (row.get("error") != null) {
        assertThrows(ConsentException.class, () -> read.trust(OWN.id(), "", Purposes.BY_STATEMENT, NOW));
        assertArrayEquals(raw, Files.readAllBytes(data.resolve("theirs.json")));
      }
    }
    signers.untrust((String) keys.get(0));
    assertThrows(ConsentException.class, () -> signers.untrust((String) keys.get(0)));
    assertEquals(1, signers.entries().size());
    assertThrows(ConsentException.class, () -> signers.trust("ab", "", Purposes.BY_STATEMENT, NOW));
    Files.delete(data.resolve("mine.json"));
    Files.createSymbolicLink(data.resolve("mine.json"), data.resolve("theirs.json"));
    assertThrows(ConsentException.class, signers::entries);
  }

  @Test
  void asksAboutStrangersAndTakesTheAnswer() {
    ConsentCheck check = new ConsentCheck(data.toFile());
    ConsentRecord foreign = draft().signed(OTHER, NOW);
    assertEquals(Collections.singletonList(OTHER.id()), check.authority().unknownSigners(foreign));
    assertThrows(ConsentException.class, () -> check.check(foreign, VOICE, "own-use", NOW));
    check.signers().trust(OTHER.id(), "Ana's phone", Purposes.BY_STATEMENT, NOW);
    assertTrue(check.authority().unknownSigners(foreign).isEmpty());
    check.check(foreign, VOICE, "own-use", NOW);
    ConsentRecord own = check.sign(ConsentDraft.scripted("Ana", "in writing", VOICE), NOW);
    assertTrue(check.authority().unknownSigners(own).isEmpty());
    check.check(own, VOICE, "own-use", NOW);
    check.revocations().add(own.id(), "", NOW);
    assertThrows(ConsentEndedException.class, () -> check.check(own, VOICE, "own-use", NOW));
    check.check(foreign, VOICE, "own-use", NOW);
  }

  @Test
  void aClockThatWasResetStillSpeaksAndOneThatIsBehindIsTold() {
    ConsentCheck check = new ConsentCheck(data.toFile());
    long later = NOW + 90 * UtcTime.DAY_S;
    ConsentRecord record = draft().signed(OWN, later);
    assertThrows(ConsentException.class, () -> check.check(record, VOICE, "own-use", NOW));
    check.check(record, VOICE, "own-use", 0);
    assertTrue(new LatestTime(file("consent/latest-time")).remember(later));
    assertTrue(new LatestTime(file("consent/latest-time")).remember(NOW));
    check.check(record, VOICE, "own-use", NOW);
  }

  @Test
  void timesAreThoseOfTheCalendar() {
    assertEquals("1970-01-01T00:00:00Z", UtcTime.format(0));
    assertEquals("1969-12-31T23:59:59Z", UtcTime.format(-1));
    assertEquals("2000-02-29T12:34:56Z", UtcTime.format(951_827_696L));
    for (long time = UtcTime.parse("t", "1000-01-01T00:00:00Z"); time < 253_402_300_799L; time += 86_400L * 37 + 12_345) {
      String text = UtcTime.format(time);
      assertEquals(time, UtcTime.parse("t", text));
      assertEquals(java.time.Instant.ofEpochSecond(time).toString(), text);
    }
    String[] none = {"2023-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "٢026-01-01T00:00:00Z"};
    for (String wrong : none) {
      assertThrows(ConsentException.class, () -> UtcTime.parse("t", wrong), wrong);
    }
  }
}
