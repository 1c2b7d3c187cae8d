package io.github.voicelet.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.voicelet.files.OwnFiles;
import io.github.voicelet.trust.audit.AuditLog;
import io.github.voicelet.trust.audit.AuditRecorder;
import io.github.voicelet.trust.consent.ConsentCheck;
import io.github.voicelet.trust.consent.ConsentDraft;
import io.github.voicelet.trust.consent.ConsentRecord;
import io.github.voicelet.trust.consent.Purposes;
import io.github.voicelet.trust.consent.UtcTime;
import io.github.voicelet.trust.keys.DeviceKey;
import io.github.voicelet.trust.keys.SigningKey;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Leaves what a device writes in {@code target/trust-written}, laid out as Python's data folder, for {@code
 * tests/android/test_java_writes.py} to open. That Java writes Python's bytes is tested beside each class.
 */
class JavaWritesTest {
  private static final String VOICE = String.join("", Collections.nCopies(32, "ab"));

  @Test
  void leavesADevicesFilesForPython() throws IOException {
    Path home = Paths.get(System.getProperty("voicelet.repository"), "android_bridge/core/target/trust-written");
    OwnFiles.deleteFolder(home.toFile());
    File data = home.resolve("voicelet").toFile();
    DeviceKey device = new DeviceKey(new File(data, "keys"));
    ConsentCheck check = new ConsentCheck(data, device);
    SigningKey clinic = SigningKey.create();
    long now = UtcTime.nowS();
    ConsentRecord ana =
        check.sign(
            ConsentDraft.scripted("Ana Sílva 😀", "agreed in writing", VOICE)
                .purposes(Arrays.asList("publishing", "own-use"))
                .scope("on Ana’s tablet only")
                .expires(now + 400 * 86_400L),
            now);
    ConsentRecord withdrawn = check.sign(ConsentDraft.scripted("Bo", "agreed by telephone", VOICE), now);
    ConsentRecord renewed = ana.renewed(VOICE, Collections.singleton("own-use"), clinic);
    write(home, "ana.json", ana.toBytes());
    write(home, "countersigned.json", ana.countersignedBy(clinic).toBytes());
    write(home, "renewed.json", renewed.toBytes());
    write(home, "withdrawn.json", withdrawn.toBytes());
    check.signers().trust(clinic.id(), "the clinic", Arrays.asList("publishing", "own-use"), now);
    check.revocations().add(withdrawn.id(), "no longer wanted, says niña", now);
    check.check(ana, VOICE, Purposes.OWN_USE, now);
    AuditLog log = new AuditLog(new File(data, "audit"), new File(data, "audit/head.json"), device.key());
    AuditRecorder recorder = new AuditRecorder(log, device.key());
    for (int i = 0; i < 3; i++) {
      Map<String, Object> use = new LinkedHashMap<>();
      use.put("profile", "ana");
      use.put("seconds", 1.25 * i);
      use.put("purpose", "own-use");
      recorder.note("use", use);
    }
    Map<String, Object> revocation = new LinkedHashMap<>();
    revocation.put("consent", withdrawn.id());
    revocation.put("lines", check.revocations().state().count());
    revocation.put("head", check.revocations().state().sha256());
    recorder.note("revocation", revocation);
    log.rotate(0);
    recorder.note("export", Collections.singletonMap("recipient", "the clinic"));
    assertEquals(5, log.verify(null).records());
    write(home, "head.json", log.head().toBytes());
    write(home, "pseudonym.txt", recorder.pseudonym("ana").getBytes(StandardCharsets.US_ASCII));
  }

  private static void write(Path home, String name, byte[] data) throws IOException {
    Files.createDirectories(home.resolve("records"));
    Files.write(home.resolve("records").resolve(name), data);
  }
}
