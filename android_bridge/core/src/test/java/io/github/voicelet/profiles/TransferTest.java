package io.github.voicelet.profiles;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.ConfigException;
import io.github.voicelet.ConsentEndedException;
import io.github.voicelet.ProfileException;
import io.github.voicelet.ProfileLockedException;
import io.github.voicelet.SealException;
import io.github.voicelet.json.Json;
import io.github.voicelet.profiles.vault.RecordingRules;
import io.github.voicelet.profiles.vault.Vault;
import io.github.voicelet.trust.TrustGolden;
import io.github.voicelet.trust.seal.SealingKey;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TransferTest {
  private static final Map<String, Object> GOLDEN = ProfilesGolden.read("sealed");
  private static final String PASSPHRASE = (String) GOLDEN.get("passphrase");
  private static final byte[] ANA = TrustGolden.bytes(GOLDEN.get("profile"));

  private final AllowingRules rules = new AllowingRules();

  @TempDir Path folder;

  private Vault vault() {
    File keys = folder.resolve("keys").toFile();
    return new Vault(folder.resolve("vault").toFile(), keys, null, null, Vault.FILE, new RecordingRules());
  }

  private static SealingKey key(Object kind) {
    Map<String, Object> keys = Json.object(GOLDEN.get("keys"), "keys");
    return SealingKey.fromText((String) Json.object(keys.get(kind), "key").get("private"));
  }

  @Test
  void keysAreThoseOfPython() {
    for (String kind : Arrays.asList("classic", "hybrid")) {
      Map<String, Object> texts = Json.object(Json.object(GOLDEN.get("keys"), "keys").get(kind), kind);
      SealingKey key = key(kind);
      assertEquals(kind.equals("classic") ? 32 : 1216, key.publicBytes().length);
      assertEquals(texts.get("private"), key.toText());
      assertEquals(texts.get("public"), SealingKey.publicToText(key.publicBytes()));
      assertArrayEquals(key.publicBytes(), SealingKey.publicFromText((String) texts.get("public")));
      assertThrows(SealException.class, () -> SealingKey.publicFromText(key.toText()));
      assertFalse(key.toString().contains(key.toText().substring(40, 60)));
    }
    for (Map<String, Object> row : ProfilesGolden.rows(GOLDEN.get("texts"))) {
      String text = (String) row.get("text");
      assertEquals(row.get("error"), TrustGolden.failure(() -> SealingKey.fromText(text)), text);
    }
  }

  @Test
  void exportsOfPythonAreImported() {
    Vault vault = vault();
    for (Map<String, Object> row : ProfilesGolden.rows(GOLDEN.get("exports"))) {
      byte[] file = TrustGolden.bytes(row.get("file"));
      String name = (String) row.get("name");
      ProfileTransfer.importTo(vault, file, key(row.get("key")), null, true, rules);
      assertEquals(name.equals("bea"), vault.load(name).agreedAdaptation() != null);
    }
    assertArrayEquals(ANA, vault.load("ana").toBytes());
    List<String> spoken = Arrays.asList("spoken: bea beside 1", "spoken: bea beside 2");
    assertTrue(rules.asked.containsAll(spoken), rules.asked.toString());
    assertTrue(rules.asked.contains("erased: ana since 2026-01-02T03:04:05Z"));
  }

  @Test
  void whatPythonRefusesOfExportsIsRefusedWithTheSameError() {
    List<Map<String, Object>> rows = ProfilesGolden.rows(GOLDEN.get("tampered"));
    assertTrue(rows.size() > 50);
    for (Map<String, Object> row : rows) {
      byte[] file = TrustGolden.bytes(row.get("file"));
      SealingKey key = key(row.get("key"));
      String error = TrustGolden.failure(() -> ProfileTransfer.arrived(file, key).checkRecord());
      assertEquals(row.get("error"), error, row.get("key") + ": " + row.get("what"));
    }
  }

  @Test
  void whatTheRulesRefuseIsNeitherSavedNorExported() {
    Vault vault = vault();
    SealingKey key = SealingKey.make(true);
    vault.save(Profile.fromBytes(ANA), false);
    byte[] sealed = ProfileTransfer.export(vault, "ana", key.publicBytes(), rules);
    byte[] adapted = TrustGolden.bytes(ProfilesGolden.rows(GOLDEN.get("exports")).get(1).get("file"));
    rules.refusal = new ConsentEndedException("it was withdrawn; ask again");
    for (String question : Arrays.asList("consent", "erased")) {
      rules.refused = question;
      assertThrows(
          ConsentEndedException.class, () -> ProfileTransfer.importTo(vault, sealed, key, "copy", false, rules));
    }
    rules.refused = "spoken";
    assertThrows(
        ConsentEndedException.class,
        () -> ProfileTransfer.importTo(vault, adapted, key("classic"), null, false, rules));
    rules.refused = "consent";
    assertThrows(
        ConsentEndedException.class, () -> ProfileTransfer.export(vault, "ana", key.publicBytes(), rules));
    assertEquals(Arrays.asList("ana"), vault.names());
    rules.refused = "";
    assertThrows(ProfileException.class, () -> ProfileTransfer.importTo(vault, sealed, key, null, false, rules));
    ProfileTransfer.importTo(vault, sealed, key, "copy", false, rules);
    assertEquals(Arrays.asList("ana", "copy"), vault.names());
    assertThrows(
        SealException.class, () -> ProfileTransfer.importTo(vault, sealed, SealingKey.make(true), null, true, rules));
  }

  @Test
  void aBackupOfPythonIsRestoredWithItsPassphraseAlone() {
    byte[] backup = TrustGolden.bytes(GOLDEN.get("backup"));
    Vault vault = vault();
    assertThrows(
        ProfileLockedException.class,
        () -> ProfileBackup.restore(vault, backup, "four other words here", null, false, rules));
    assertEquals(Arrays.asList(), vault.names());
    ProfileBackup.restore(vault, backup, "zwo\u0308lf Boxka\u0308mpfer jagen", "anew", false, rules);
    assertEquals("anew", vault.load("anew").name());
    assertTrue(rules.asked.contains("erased: ana since " + ProfileBackup.read(backup).created()));
    assertThrows(
        ProfileException.class, () -> ProfileBackup.restore(vault, backup, PASSPHRASE, "anew", false, rules));
  }

  @Test
  void whatPythonRefusesOfBackupsIsRefusedWithTheSameError() {
    List<Map<String, Object>> rows = ProfilesGolden.rows(GOLDEN.get("backups"));
    assertTrue(rows.size() > 25);
    for (Map<String, Object> row : rows) {
      byte[] file = TrustGolden.bytes(row.get("file"));
      String error = TrustGolden.failure(() -> ProfileBackup.read(file).open(PASSPHRASE));
      assertEquals(row.get("error"), error, (String) row.get("what"));
    }
  }

  @Test
  void exportsAndABackupForPython() throws IOException {
    Path written = ProfilesGolden.written("sealed");
    Vault vault = vault();
    vault.save(Profile.fromBytes(ANA), false);
    for (String kind : Arrays.asList("classic", "hybrid")) {
      byte[] sealed = ProfileTransfer.export(vault, "ana", key(kind).publicBytes(), rules);
      Files.write(written.resolve(kind + ".sealed"), sealed);
      Files.write(written.resolve(kind + ".key"), key(kind).toText().getBytes(StandardCharsets.US_ASCII));
      assertArrayEquals(ANA, ProfileTransfer.arrived(sealed, key(kind)).toBytes());
    }
    SealingKey fresh = SealingKey.make(true);
    Files.write(written.resolve("fresh.key"), fresh.toText().getBytes(StandardCharsets.US_ASCII));
    Files.write(
        written.resolve("fresh.sealed"), ProfileTransfer.export(vault, "ana", fresh.publicBytes(), rules));
    assertThrows(ConfigException.class, () -> ProfileBackup.of(vault, "ana", "password1", rules));
    byte[] backup = ProfileBackup.of(vault, "ana", PASSPHRASE, rules);
    File file = written.resolve("ana.backup").toFile();
    ProfileBackup.writeFile(file, backup, false);
    assertThrows(ProfileException.class, () -> ProfileBackup.writeFile(file, backup, false));
    assertArrayEquals(backup, ProfileBackup.readFile(file));
    SealingKey own = ProfileBackup.read(backup).open(PASSPHRASE);
    assertArrayEquals(ANA, ProfileTransfer.arrived(ProfileBackup.read(backup).sealed(), own).toBytes());
  }
}
