package io.github.voicelet.trust.audit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.AuditException;
import io.github.voicelet.ConfigException;
import io.github.voicelet.json.Json;
import io.github.voicelet.trust.TrustGolden;
import io.github.voicelet.trust.keys.SigningKey;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a log that Python wrote, changed, judged and continued. */
class AuditTest {
  private static final Map<String, Object> GOLDEN = TrustGolden.object("audit");
  private static final SigningKey KEY = SigningKey.of(TrustGolden.seed(1));
  private static final String TIME = (String) GOLDEN.get("time");

  @TempDir Path home;

  private static String time(int number) {
    return TIME.replace("{}", Integer.toString(number));
  }

  private AuditLog log(Path folder) {
    return new AuditLog(folder.toFile(), KEY, () -> time(9));
  }

  private static Map<String, byte[]> read(Path folder) throws IOException {
    Map<String, byte[]> files = new HashMap<>();
    for (File file : folder.toFile().listFiles()) {
      if (!file.getName().startsWith(".")) {
        files.put(file.getName(), Files.readAllBytes(file.toPath()));
      }
    }
    return files;
  }

  private static void assertFiles(Map<String, Object> expected, Path folder, String name) throws IOException {
    Map<String, byte[]> found = read(folder);
    assertEquals(expected.keySet(), found.keySet(), name);
    for (Map.Entry<String, Object> file : expected.entrySet()) {
      String theirs = new String(TrustGolden.bytes(file.getValue()), StandardCharsets.US_ASCII);
      assertEquals(theirs, new String(found.get(file.getKey()), StandardCharsets.US_ASCII), name + ", " + file.getKey());
    }
  }

  private static List<AuditEvent> batch(Object rows, int number) {
    List<AuditEvent> events = new ArrayList<>();
    for (Object row : Json.array(rows, "a batch")) {
      List<Object> event = Json.array(row, "an event");
      events.add(new AuditEvent((String) event.get(0), Json.object(event.get(1), "fields"), time(number)));
    }
    return events;
  }

  private void writeAll(AuditLog log) {
    int number = 0;
    for (Object batch : Json.array(GOLDEN.get("batches"), "batches")) {
      if (number == 3) {
        log.rotate(0);
      }
      log.extend(batch(batch, number++));
    }
  }

  private static void assertReport(Map<String, Object> theirs, AuditReport ours, String name) {
    assertEquals(theirs.get("records"), ours.records(), name);
    assertEquals(theirs.get("files"), (long) ours.files(), name);
    assertEquals(theirs.get("first"), ours.first(), name);
    assertEquals(theirs.get("last"), ours.last(), name);
    assertEquals(theirs.get("unfinished_bytes"), ours.unfinishedBytes(), name);
    assertEquals(theirs.get("repairs"), ours.repairs(), name);
    assertEquals(theirs.get("pruned"), ours.pruned(), name);
    List<String> expected = new ArrayList<>();
    List<String> found = new ArrayList<>();
    for (Map<String, Object> problem : TrustGolden.rows(theirs, "problems")) {
      expected.add(problem.get("kind") + ": " + plain((String) problem.get("message")));
    }
    for (AuditProblem problem : ours.problems()) {
      found.add(problem.kind() + ": " + plain(problem.message()));
    }
    assertEquals(expected, found, name);
  }

  /** Without what the reader of JSON said, which is of its own words. */
  private static String plain(String message) {
    return message.replaceAll("was changed: not a .*", "was changed");
  }

  @Test
  void writesTheSameBytesAsPython() throws IOException {
    AuditLog log = log(home);
    writeAll(log);
    assertFiles(TrustGolden.object("audit", "files"), home, "the log");
    assertEquals(7, log.verify(null).records());
    assertEquals(Collections.singleton("11111111111111111111111111111111"), log.withdrawnConsents());
    log.rotate(2);
    assertFiles(TrustGolden.object("audit", "pruned", "files"), home, "pruned");
    assertReport(TrustGolden.object("audit", "pruned", "report"), log.verify(null), "pruned");
  }

  @Test
  void judgesChangedLogsAndContinuesThemAsPythonDoes() throws IOException {
    int rows = 0;
    int intact = 0;
    for (Map<String, Object> row : TrustGolden.rows(GOLDEN, "cases")) {
      String name = (String) row.get("name");
      Path folder = Files.createDirectory(home.resolve(Integer.toString(rows++)));
      Map<String, Object> files = new LinkedHashMap<>(TrustGolden.object("audit", "files"));
      files.keySet().removeAll(Json.array(row.get("removed"), "removed"));
      files.putAll(Json.object(row.get("changed"), "changed"));
      TrustGolden.write(folder, files);
      AuditReport report = log(folder).check(null);
      assertReport(Json.object(row.get("report"), "report"), report, name);
      if (report.problems().isEmpty()) {
        log(folder).verify(null);
        intact++;
      } else {
        assertThrows(AuditException.class, () -> log(folder).verify(null), name);
      }
      String error =
          TrustGolden.failure(() -> log(folder).append("use", Collections.singletonMap("seconds", 1.0)));
      assertEquals(row.get("append"), error, name);
      files.putAll(Json.object(row.get("after"), "after"));
      assertFiles(files, folder, name);
    }
    assertTrue(rows > 30 && intact > 4, intact + " intact of " + rows);
  }

  @Test
  void everyByteThatChangesIsFound() throws IOException {
    writeAll(log(home));
    for (Map.Entry<String, byte[]> file : read(home).entrySet()) {
      Path path = home.resolve(file.getKey());
      for (int i = 0; i < file.getValue().length; i += 5) {
        byte[] changed = file.getValue().clone();
        changed[i] ^= (byte) (1 + i % 7);
        Files.write(path, changed);
        assertFalse(log(home).check(null).problems().isEmpty(), file.getKey() + ", byte " + i);
      }
      Files.write(path, file.getValue());
    }
    assertTrue(log(home).check(null).problems().isEmpty());
  }

  @Test
  void aCheckpointTellsThatAllOfItWasPutBack() throws IOException {
    TrustGolden.write(home, TrustGolden.object("audit", "files"));
    Path shorter = Files.createDirectory(home.resolve("shorter"));
    TrustGolden.write(shorter, TrustGolden.object("audit", "shorter", "files"));
    List<Object> heads = Json.array(GOLDEN.get("heads"), "heads");
    assertEquals(5, heads.size());
    for (int i = 0; i < heads.size(); i++) {
      AuditHead since = AuditHead.parse(TrustGolden.bytes(heads.get(i)));
      assertReport(TrustGolden.rows(GOLDEN, "since").get(i), log(home).check(since), "since " + i);
      Map<String, Object> theirs = TrustGolden.rows(TrustGolden.object("audit", "shorter"), "since").get(i);
      assertReport(theirs, log(shorter).check(since), "shorter, since " + i);
      assertEquals(i == 0, log(shorter).check(since).problems().isEmpty());
    }
    assertArrayEquals(TrustGolden.bytes(heads.get(4)), log(home).head().toBytes());
    byte[] other = SigningKey.of(TrustGolden.seed(2)).publicKey();
    AuditLog stranger = new AuditLog(shorter.toFile(), shorter.resolve("head.json").toFile(), other);
    assertReport(TrustGolden.object("audit", "stranger"), stranger.check(null), "stranger");
    assertThrows(AuditException.class, () -> stranger.append("use", Collections.emptyMap()));
    assertThrows(ConfigException.class, () -> new AuditLog(home.toFile(), home.toFile(), new byte[31]));
  }

  @Test
  void refusesWhatCantBeNoted() {
    AuditLog log = log(home);
    Map<String, Object> many = new HashMap<>();
    for (int i = 0; i < 25; i++) {
      many.put("a" + i, i);
    }
    assertThrows(ConfigException.class, () -> log.append("use", many));
    for (String event : new String[] {"", "Use", "use it", "u\n", "ü"}) {
      assertThrows(ConfigException.class, () -> log.append(event, Collections.emptyMap()), event);
    }
    char[] long257 = new char[257];
    Arrays.fill(long257, 'x');
    Object[] values = {null, new Object(), Double.NaN, Double.POSITIVE_INFINITY, Long.MIN_VALUE, new String(long257), many};
    for (Object value : values) {
      assertThrows(ConfigException.class, () -> log.append("use", Collections.singletonMap("a", value)));
    }
    assertThrows(ConfigException.class, () -> log.append("use", Collections.singletonMap("A", 1)));
    assertFalse(home.resolve("head.json").toFile().exists());
    assertThrows(AuditException.class, log::head);
  }

  @Test
  void followsNoLinkAndWaitsForNoPipe() throws IOException {
    Path elsewhere = Files.write(home.resolve("elsewhere"), new byte[] {'x'});
    Path folder = Files.createDirectory(home.resolve("log"));
    Files.createSymbolicLink(folder.resolve("audit-000001.jsonl"), elsewhere);
    assertThrows(AuditException.class, () -> log(folder).append("use", Collections.emptyMap()));
    assertThrows(AuditException.class, () -> log(folder).check(null));
    Files.delete(folder.resolve("audit-000001.jsonl"));
    Files.createSymbolicLink(folder.resolve("head.json"), elsewhere);
    assertThrows(AuditException.class, () -> log(folder).append("use", Collections.emptyMap()));
    assertArrayEquals(new byte[] {'x'}, Files.readAllBytes(elsewhere));
    Files.delete(folder.resolve("head.json"));
    Files.createDirectory(folder.resolve("audit-000001.jsonl"));
    assertThrows(AuditException.class, () -> log(folder).check(null));
  }

  @Test
  void aWithdrawalThatTheDeviceDidntSignDoesntCount() throws IOException {
    writeAll(log(home));
    Path file = home.resolve("audit-000002.jsonl");
    String lines = new String(Files.readAllBytes(file), StandardCharsets.US_ASCII);
    String forged = lines.replaceFirst("\"consent\":\"1{32}\"", "\"consent\":\"22222222222222222222222222222222\"");
    assertFalse(forged.equals(lines));
    Files.write(file, forged.getBytes(StandardCharsets.US_ASCII));
    assertEquals(Collections.emptySet(), log(home).withdrawnConsents());
  }

  @Test
  void namesAreHashedAsInPythonAndUsesAreWrittenTogether() {
    AuditRecorder recorder = new AuditRecorder(log(home), KEY);
    for (Map.Entry<String, Object> text : TrustGolden.object("audit", "pseudonyms").entrySet()) {
      assertEquals(text.getValue(), recorder.pseudonym(text.getKey()), text.getKey());
    }
    Map<String, Object> use = new HashMap<>();
    use.put("profile", "ana");
    use.put("seconds", 1.5);
    assertTrue(recorder.note("use", use));
    assertTrue(log(home).records().isEmpty());
    assertTrue(recorder.note("export", Collections.singletonMap("recipient", "a clinic")));
    List<AuditRecord> records = log(home).records();
    assertEquals(2, records.size());
    assertEquals(recorder.pseudonym("ana"), records.get(0).fields().get("profile"));
    assertEquals(1.5, records.get(0).fields().get("seconds"));
    for (int i = 0; i < 64; i++) {
      assertTrue(recorder.note("use", use));
    }
    assertEquals(66, log(home).records().size());
    assertEquals(66, log(home).verify(null).records());
    assertThrows(ConfigException.class, () -> recorder.note("use", Collections.singletonMap("x", null)));
  }

  @Test
  void aLogThatCantBeWrittenKeepsWhatWaits() throws IOException {
    Path blocked = home.resolve("blocked");
    Files.write(blocked, new byte[0]);
    AuditRecorder recorder = new AuditRecorder(log(blocked), KEY);
    assertFalse(recorder.note("enrol", Collections.emptyMap()));
    assertFalse(recorder.note("export", Collections.emptyMap()));
    Files.delete(blocked);
    assertTrue(recorder.flush());
    List<String> events = new ArrayList<>();
    for (AuditRecord record : log(blocked).records()) {
      events.add(record.event());
    }
    assertEquals(Arrays.asList("enrol", "export"), events);
  }

  @Test
  void threadsShareALog() throws InterruptedException {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Thread thread = new Thread(() -> {
        for (int n = 0; n < 10; n++) {
          log(home).append("use", Collections.singletonMap("number", n));
        }
      });
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(40, log(home).verify(null).records());
    Set<String> none = log(home).withdrawnConsents();
    assertTrue(none.isEmpty());
  }
}
