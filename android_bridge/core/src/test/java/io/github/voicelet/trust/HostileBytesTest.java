package io.github.voicelet.trust;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.VoiceletException;
import io.github.voicelet.bundle.Bundle;
import io.github.voicelet.bundle.BundleArchive;
import io.github.voicelet.bundle.BundleTrust;
import io.github.voicelet.json.Json;
import io.github.voicelet.trust.audit.AuditHead;
import io.github.voicelet.trust.audit.AuditLog;
import io.github.voicelet.trust.consent.ConsentCheck;
import io.github.voicelet.trust.consent.ConsentRecord;
import io.github.voicelet.trust.consent.TrustedSigners;
import io.github.voicelet.trust.keys.SigningKey;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever bytes a file holds, reading it ends in a verdict or in one of voicelet's own errors. */
class HostileBytesTest {
  private static final int ROUNDS = 600;

  @TempDir Path folder;

  /** Change, cut, double or splice some bytes; the seed is fixed. */
  private static byte[] changed(byte[] sound, Random random) {
    byte[] out = sound.clone();
    if (random.nextInt(3) == 0) {
      int at = random.nextInt(out.length);
      int length = random.nextInt(Math.min(64, out.length - at) + 1);
      int to = random.nextInt(out.length - length + 1);
      System.arraycopy(sound, at, out, to, length);
    }
    for (int i = random.nextInt(4); i >= 0; i--) {
      out[random.nextInt(out.length)] = (byte) random.nextInt(256);
    }
    return random.nextInt(5) == 0 ? Arrays.copyOf(out, random.nextInt(2 * out.length)) : out;
  }

  private static void assertRefusals(byte[] sound, int least, Consumer<byte[]> reader) {
    Random random = new Random(7);
    int refused = 0;
    reader.accept(sound);
    for (int i = 0; i < ROUNDS; i++) {
      byte[] bytes = changed(sound, random);
      try {
        reader.accept(bytes);
      } catch (VoiceletException e) {
        refused++;
      }
    }
    assertTrue(refused >= least, refused + " of " + ROUNDS + " refused");
  }

  private File write(String name, byte[] data) {
    try {
      Files.createDirectories(folder.resolve(name).getParent());
      return Files.write(folder.resolve(name), data).toFile();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void archives() {
    byte[] sound = TrustGolden.bytes(TrustGolden.rows(TrustGolden.object("bundles"), "archives").get(0).get("archive"));
    File target = folder.resolve("bundle").toFile();
    assertRefusals(
        sound, 450, bytes -> BundleArchive.install(write("a.voicelet", bytes), target, BundleTrust.packaged()));
    Bundle.open(target, BundleTrust.packaged()); // the last sound one is still there
  }

  @Test
  void manifestsAndSignatures() throws IOException {
    Map<String, Object> files = TrustGolden.object("bundles", "files");
    TrustGolden.write(folder.resolve("bundle"), files);
    for (String name : new String[] {"manifest.json", "manifest.sig"}) {
      byte[] sound = TrustGolden.bytes(files.get(name));
      assertRefusals(
          sound,
          ROUNDS - 30,
          bytes -> {
            write("bundle/" + name, bytes);
            Bundle.open(folder.resolve("bundle").toFile(), BundleTrust.packaged());
          });
      write("bundle/" + name, sound);
    }
    // Without a signature the manifest itself is what is read.
    Files.delete(folder.resolve("bundle/manifest.sig"));
    assertRefusals(
        TrustGolden.bytes(files.get("manifest.json")),
        300,
        bytes -> {
          write("bundle/manifest.json", bytes);
          Bundle.open(folder.resolve("bundle").toFile(), BundleTrust.packaged());
        });
  }

  @Test
  void recordsSignersAndRevocations() throws IOException {
    TrustGolden.write(folder.resolve("keys"), TrustGolden.object("keys", "files"));
    byte[] record = TrustGolden.bytes(TrustGolden.rows(TrustGolden.object("consents"), "records").get(0).get("record"));
    assertRefusals(record, ROUNDS - 10, bytes -> ConsentRecord.parse(bytes).verify(null));
    ConsentRecord sound = ConsentRecord.parse(record);
    Map<String, Object> signers = TrustGolden.rows(TrustGolden.object("consents", "signers"), "cases").get(0);
    assertRefusals(
        TrustGolden.bytes(signers.get("file")),
        300,
        bytes -> new TrustedSigners(write("signers.json", bytes)).entries());
    TrustGolden.write(folder.resolve("keys"), TrustGolden.object("consents", "revocations", "states"));
    byte[] list = TrustGolden.bytes(TrustGolden.object("consents", "revocations").get("list"));
    assertRefusals(
        list,
        ROUNDS - 10,
        bytes -> {
          write("consent/revoked.jsonl", bytes);
          new ConsentCheck(folder.toFile()).revocations().check(sound);
        });
  }

  @Test
  void auditLogs() throws IOException {
    Map<String, Object> files = TrustGolden.object("audit", "files");
    TrustGolden.write(folder, files);
    byte[] key = SigningKey.of(TrustGolden.seed(1)).publicKey();
    AuditLog log = new AuditLog(folder.toFile(), folder.resolve("head.json").toFile(), key);
    for (Map.Entry<String, Object> file : files.entrySet()) {
      byte[] sound = TrustGolden.bytes(file.getValue());
      assertRefusals(
          sound,
          ROUNDS - 60, // what is added behind the last batch is no part of the log, and is told apart
          bytes -> {
            write(file.getKey(), bytes);
            log.verify(null);
          });
      write(file.getKey(), sound);
    }
    Object head = Json.array(TrustGolden.object("audit").get("heads"), "heads").get(0);
    assertRefusals(TrustGolden.bytes(head), 300, bytes -> log.verify(AuditHead.parse(bytes)));
  }
}
