package io.github.voicelet.trust.consent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.ConsentEndedException;
import io.github.voicelet.ConsentException;
import io.github.voicelet.json.Json;
import io.github.voicelet.trust.TrustGolden;
import io.github.voicelet.trust.keys.SigningKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Lists of withdrawn consents that Python made, changed and judged, and what is kept of them apart. */
class RevocationsTest {
  private static final Map<String, Object> GOLDEN = TrustGolden.object("consents", "revocations");
  private static final String VOICE = (String) TrustGolden.object("consents").get("voice");
  private static final long NOW = UtcTime.parse("now", (String) TrustGolden.object("consents").get("now"));
  private static final SigningKey OWN = SigningKey.of(TrustGolden.seed(1));

  @TempDir Path data;

  @BeforeEach
  void keepThePythonDevicesKey() throws IOException {
    TrustGolden.write(data.resolve("keys"), TrustGolden.object("keys", "files"));
  }

  private Path list() {
    return data.resolve("consent/revoked.jsonl");
  }

  private Revocations revocations() {
    return new ConsentCheck(data.toFile()).revocations();
  }

  private static ConsentRecord record(String id) {
    return ConsentDraft.scripted("Ana", "in writing", VOICE).id(id).signed(OWN, NOW);
  }

  private static List<String> ids() {
    return Arrays.asList(Json.array(GOLDEN.get("ids"), "ids").toArray(new String[0]));
  }

  private void withdrawAll(Revocations revocations) {
    String[] reasons = {"", "no longer wanted", "niña"};
    for (int i = 0; i < ids().size(); i++) {
      revocations.add(ids().get(i), reasons[i % 3], NOW + 3600 * i);
    }
  }

  @Test
  void writesTheListAndItsStatesToTheSameBytesAsPython() throws IOException {
    withdrawAll(revocations());
    revocations().add(ids().get(0), "once more", NOW);
    assertArrayEquals(TrustGolden.bytes(GOLDEN.get("list")), Files.readAllBytes(list()));
    Map<String, Object> states = TrustGolden.object("consents", "revocations", "states");
    assertEquals(3, states.size());
    for (Map.Entry<String, Object> state : states.entrySet()) {
      byte[] kept = Files.readAllBytes(data.resolve("keys").resolve(state.getKey()));
      assertArrayEquals(TrustGolden.bytes(state.getValue()), kept, state.getKey());
    }
  }

  @Test
  void judgesChangedListsAsPythonDoes() throws IOException {
    int rows = 0;
    for (Map<String, Object> row : TrustGolden.rows(GOLDEN, "cases")) {
      TrustGolden.write(data.resolve("keys"), TrustGolden.object("consents", "revocations", "states"));
      Files.createDirectories(list().getParent());
      Files.deleteIfExists(list());
      byte[] raw = row.get("list") == null ? new byte[0] : TrustGolden.bytes(row.get("list"));
      if (row.get("list") != null) {
        Files.write(list(), raw);
      }
      Revocations revocations = revocations();
      for (Map.Entry<String, Object> check : Json.object(row.get("checks"), "checks").entrySet()) {
        ConsentRecord record = record(check.getKey());
        String error = TrustGolden.failure(() -> revocations.check(record));
        assertEquals(check.getValue(), error, row.get("name") + ", " + check.getKey());
      }
      assertEquals(row.get("sound"), (long) RevocationChain.longestSound(raw).entries().size(), (String) row.get("name"));
      rows++;
    }
    assertEquals(18, rows);
  }

  @Test
  void aListThatShrinksWhileItIsOpenStopsEveryVoiceAndNothingIsAdded() throws IOException {
    Revocations revocations = revocations();
    withdrawAll(revocations);
    ConsentRecord other = record("88888888888888888888888888888888");
    revocations.check(other);
    byte[] sound = Files.readAllBytes(list());
    Files.write(list(), Arrays.copyOf(sound, sound.length / 2));
    assertThrows(ConsentException.class, () -> revocations.check(other));
    ConsentException refused = assertThrows(ConsentException.class, () -> revocations.add(other.id(), "", NOW));
    assertTrue(refused.getMessage().contains("NOT revoked"));
    assertThrows(ConsentException.class, revocations::entries);
    Files.write(list(), sound);
    revocations.check(other);
    assertEquals(4, revocations.entries().size());
    assertEquals(ids(), revocations.ids());
  }

  @Test
  void repairFindsWhatTheCopyHoldsAndTellsWhatIsLost() throws IOException {
    Revocations revocations = revocations();
    withdrawAll(revocations);
    Files.delete(list());
    assertThrows(ConsentException.class, () -> revocations().check(record(VOICE.substring(0, 32))));
    assertEquals(Collections.emptyList(), revocations().repair(false, NOW));
    assertEquals(ids(), revocations().ids());
    assertArrayEquals(TrustGolden.bytes(GOLDEN.get("list")), Files.readAllBytes(list()));
    // The copy is gone as well: only what somebody else knows is found.
    Files.delete(list());
    Files.delete(data.resolve("keys/revocations.jsonl"));
    Revocations told = revocations();
    told.expect(null, ids().subList(0, 2));
    assertThrows(ConsentException.class, () -> told.repair(false, NOW));
    assertEquals(ids().subList(0, 2), told.repair(true, NOW));
    told.check(record(ids().get(3)));
    assertThrows(ConsentEndedException.class, () -> told.check(record(ids().get(1))));
    assertThrows(ConsentEndedException.class, () -> revocations().check(record(ids().get(1))));
    assertEquals(3, revocations().entries().size()); // two, and the line that says which list was lost
  }

  @Test
  void repairKeepsTheLinesThatHoldInABrokenList() throws IOException {
    withdrawAll(revocations());
    Files.delete(data.resolve("keys/revocations.jsonl"));
    byte[] raw = Files.readAllBytes(list());
    raw[20] ^= 1; // in the first line: the others are no longer chained to anything
    Files.write(list(), raw);
    Revocations revocations = revocations();
    assertThrows(ConsentException.class, () -> revocations.repair(false, NOW));
    assertEquals(3, revocations.repair(true, NOW).size());
    for (String id : ids().subList(1, 4)) {
      assertThrows(ConsentEndedException.class, () -> revocations().check(record(id)));
    }
  }

  @Test
  void whatIsKnownElsewhereCountsWhateverBecomesOfTheList() throws IOException {
    Revocations revocations = revocations();
    withdrawAll(revocations);
    ListState state = revocations.state();
    List<String> known = new ArrayList<>(revocations.ids());
    for (String name : new String[] {"consent/revoked.jsonl", "keys/revocations.json", "keys/revocations.json.copy"}) {
      Files.delete(data.resolve(name));
    }
    Revocations fresh = revocations();
    fresh.expect(state, known);
    for (String id : known) {
      assertThrows(ConsentEndedException.class, () -> fresh.check(record(id)));
    }
    ConsentException error = assertThrows(ConsentException.class, () -> fresh.check(record(VOICE.substring(0, 32))));
    assertTrue(error.getMessage().contains("held 4"), error.getMessage());
  }

  @Test
  void whoWithdrawsARenewedConsentWithdrawsThoseBeforeItButNoStrangers() {
    ConsentCheck check = new ConsentCheck(data.toFile());
    String first = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    String second = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    SigningKey stranger = SigningKey.of(TrustGolden.seed(2));
    ConsentRecord theirs = record(first).following(Collections.singleton(second), stranger);
    check.withdraw(theirs, "", NOW);
    assertEquals(Collections.singletonList(first), check.revocations().ids());
    ConsentRecord own = record("cccccccccccccccccccccccccccccccc").following(Arrays.asList(first, second), OWN);
    assertEquals(own.id(), check.withdraw(own, "moved away", NOW).id());
    assertEquals(Arrays.asList(first, own.id(), second), check.revocations().ids());
    assertThrows(ConsentEndedException.class, () -> check.check(record(second), VOICE, "own-use", NOW));
  }

  @Test
  void refusesIdsReasonsAndLinks() throws IOException {
    Revocations revocations = revocations();
    for (String id : new String[] {"", "xyz", VOICE, VOICE.substring(0, 32).toUpperCase(), "../../x"}) {
      assertThrows(ConsentException.class, () -> revocations.add(id, "", NOW), id);
    }
    String id = VOICE.substring(0, 32);
    assertThrows(ConsentException.class, () -> revocations.add(id, "replaces 1 " + VOICE, NOW));
    assertThrows(ConsentException.class, () -> revocations.add(id, "a\u0000b", NOW));
    Files.createDirectories(list().getParent());
    Path elsewhere = Files.write(data.resolve("elsewhere"), new byte[] {'x'});
    Files.createSymbolicLink(list(), elsewhere);
    assertThrows(ConsentException.class, () -> revocations.add(id, "", NOW));
    assertArrayEquals(new byte[] {'x'}, Files.readAllBytes(elsewhere));
    Files.delete(list());
    Files.createDirectory(list());
    assertThrows(ConsentException.class, () -> revocations.check(record(id)));
  }
}
