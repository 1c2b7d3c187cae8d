package io.github.voicelet.profiles.vault;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.ConfigException;
import io.github.voicelet.ConsentException;
import io.github.voicelet.ProfileException;
import io.github.voicelet.ProfileLockedException;
import io.github.voicelet.ProfileNotFoundException;
import io.github.voicelet.json.Json;
import io.github.voicelet.profiles.Profile;
import io.github.voicelet.profiles.ProfilesGolden;
import io.github.voicelet.trust.TrustGolden;
import io.github.voicelet.trust.seal.Passphrases;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.crypto.SecretKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VaultTest {
  private static final Map<String, Object> GOLDEN = ProfilesGolden.read("vaults");
  private static final String PASSPHRASE = (String) GOLDEN.get("passphrase");
  private static final List<String> NAMES = Arrays.asList("Zo\u00eb", "ana");

  private final RecordingRules rules = new RecordingRules();

  @TempDir Path folder;

  private Vault vault(Path base, String protection, String passphrase) {
    File keys = base.resolve("keys").toFile();
    PassphraseSource source = passphrase == null ? null : () -> passphrase;
    return new Vault(base.resolve("vault").toFile(), keys, null, source, protection, rules);
  }

  private Vault fileVault() {
    return vault(folder, Vault.FILE, null);
  }

  private static Profile profile(String name) {
    return ProfilesGolden.ana().toBuilder().name(name).build();
  }

  private static Map<String, Object> golden(String name) {
    return Json.object(Json.object(GOLDEN.get("vaults"), "vaults").get(name), name);
  }

  @Test
  void vaultsOfPythonAreOpenedWhateverProtectsThem() throws IOException {
    byte[] ana = null;
    for (String name : Arrays.asList("file", "passphrase", "erased", "changing")) {
      Path base = folder.resolve(name);
      TrustGolden.write(base, golden(name));
      Vault vault = vault(base, name.equals("file") ? Vault.FILE : Vault.PASSPHRASE, PASSPHRASE);
      assertEquals(NAMES, vault.names());
      assertEquals(2, vault.list().size(), name);
      assertTrue(vault.damaged().isEmpty());
      assertEquals("Zo\u00eb", vault.load("Zoe\u0308").name());
      ana = ana == null ? vault.load("ana").toBytes() : ana;
      assertArrayEquals(ana, vault.load("ana").toBytes(), name);
      vault.load("ana").checkRecord();
      assertThrows(ProfileNotFoundException.class, () -> vault.load("ben"));
    }
    assertArrayEquals(ProfilesGolden.ana().toBytes(), ana);
  }

  @Test
  void aChangeOfKeyThatPythonBeganIsFinished() throws IOException {
    TrustGolden.write(folder, golden("changing"));
    Vault vault = vault(folder, Vault.PASSPHRASE, PASSPHRASE);
    assertEquals(2, lock().slots.size());
    vault.save(profile("carl"), false);
    assertEquals(1, lock().slots.size());
    assertEquals(3, vault(folder, Vault.PASSPHRASE, PASSPHRASE).list().size());
  }

  @Test
  void aChangeOfKeyThatNobodyHereBeganIsNotCarriedOut() throws IOException {
    TrustGolden.write(folder, golden("changing"));
    try (Stream<Path> keys = Files.list(folder.resolve("keys"))) {
      Files.delete(keys.filter(path -> path.toString().endsWith(".change")).findFirst().get());
    }
    Vault vault = vault(folder, Vault.PASSPHRASE, PASSPHRASE);
    assertEquals(2, vault.list().size());
    vault.save(profile("carl"), false);
    assertEquals(2, lock().slots.size());
  }

  @Test
  void aWrongOrMissingPassphraseOpensNothingAndHarmsNothing() throws IOException {
    TrustGolden.write(folder, golden("passphrase"));
    for (String wrong : new String[] {"zwolf Boxkampfer jagen", "", null}) {
      Vault vault = vault(folder, Vault.PASSPHRASE, wrong);
      assertThrows(ProfileLockedException.class, () -> vault.load("ana"));
      assertThrows(ProfileLockedException.class, () -> vault.save(profile("carl"), false));
      assertThrows(ProfileLockedException.class, vault::list);
      assertEquals(NAMES, vault.names());
    }
    assertEquals(2, vault(folder, Vault.PASSPHRASE, PASSPHRASE).list().size());
    // Composed or not, it is one passphrase.
    assertEquals(2, vault(folder, Vault.PASSPHRASE, "zwo\u0308lf Boxka\u0308mpfer jagen").list().size());
  }

  @Test
  void whatPythonFindsTamperedIsRefusedWithTheSameError() throws IOException {
    List<Map<String, Object>> rows = ProfilesGolden.rows(GOLDEN.get("tampered"));
    assertTrue(rows.size() > 30);
    Map<String, Object> sound = Json.object(rows.get(0).get("files"), "files");
    for (int i = 0; i < rows.size(); i++) {
      Path base = folder.resolve("" + i);
      TrustGolden.write(base, sound);
      for (Map.Entry<String, Object> file : Json.object(rows.get(i).get("files"), "files").entrySet()) {
        if (file.getValue() == null) {
          Files.delete(base.resolve(file.getKey()));
        } else {
          Files.write(base.resolve(file.getKey()), TrustGolden.bytes(file.getValue()));
        }
      }
      Vault vault = vault(base, Vault.FILE, null);
      String error = TrustGolden.failure(() -> vault.load("ana"));
      assertEquals(rows.get(i).get("error"), error, (String) rows.get(i).get("what"));
    }
  }

  @Test
  void newPassphrasesAreJudgedAsPythonDoes() {
    for (Map<String, Object> row : ProfilesGolden.rows(GOLDEN.get("strength"))) {
      String text = (String) row.get("passphrase");
      assertEquals(row.get("error"), TrustGolden.failure(() -> Passphrases.checkStrength(text)), text);
    }
    Vault vault = vault(folder, Vault.PASSPHRASE, "password1");
    assertThrows(ConfigException.class, () -> vault.save(profile("ana"), false));
  }

  @Test
  void vaultsForPython() {
    Path base = ProfilesGolden.written("vaults");
    for (String protection : new String[] {Vault.FILE, Vault.PASSPHRASE}) {
      Vault vault = vault(base.resolve(protection), protection, PASSPHRASE);
      for (String name : Arrays.asList("ana", "Zoe\u0308", "ben")) {
        vault.save(profile(name), false);
      }
      vault.save(profile("ana"), true);
      vault.erase("ben");
      vault.rotateKey(null, null);
      assertEquals(NAMES, vault.names());
      assertEquals(2, vault.list().size());
      assertEquals(2, vault(base.resolve(protection), protection, PASSPHRASE).list().size());
    }
  }

  @Test
  void aProfileIsReplacedOnlyIfSaidSo() {
    Vault vault = fileVault();
    assertNull(vault.protection());
    vault.save(profile("ana"), false);
    assertEquals(Vault.FILE, vault.protection());
    Profile longer = profile("ana").toBuilder().recording(99, profile("ana").quality()).build();
    assertThrows(ProfileException.class, () -> vault.save(longer, false));
    assertEquals(31.5, vault.load("ana").speechS());
    vault.save(longer, true);
    assertEquals(99, fileVault().load("ana").speechS());
    assertEquals(Arrays.asList("ana beside 0"), rules.admitted); // enrolled again: nobody is compared
  }

  @Test
  void aVoiceIsRefusedBeforeAnythingIsWritten() {
    Vault vault = fileVault();
    rules.refused = "eve";
    assertThrows(ProfileException.class, () -> vault.save(profile("eve"), false));
    assertThrows(
        ConsentException.class, () -> vault.save(profile("ana").toBuilder().consent(null).build(), false));
    assertFalse(folder.resolve("vault").toFile().exists());
  }

  @Test
  void aWithdrawnConsentStaysWithdrawn() {
    Profile ana = profile("ana");
    rules.withdrawn.add(ana.consent().id());
    fileVault().save(ana, false);
    rules.withdrawn.clear();
    fileVault().save(ana, true);
    rules.expected.clear();
    fileVault().load("ana");
    assertTrue(rules.expected.contains(ana.consent().id()));
  }

  @Test
  void theKeystoresKeyIsWrappedAndInvalidationLosesNothing() throws IOException {
    SoftwareWrapper wrapper = new SoftwareWrapper();
    Vault vault = keystoreVault(wrapper);
    vault.save(profile("ana"), false);
    vault.save(profile("ben"), false);
    List<String> before = files();
    SecretKey key = wrapper.invalidate();
    Vault locked = keystoreVault(wrapper);
    assertThrows(ProfileLockedException.class, () -> locked.load("ana"));
    assertThrows(ProfileLockedException.class, () -> locked.save(profile("ana"), true));
    assertThrows(ProfileLockedException.class, () -> locked.rotateKey(null, null));
    assertEquals(Arrays.asList("ana", "ben"), locked.names());
    assertEquals(before, files());
    wrapper.use(new SoftwareWrapper().invalidate());
    assertThrows(ProfileLockedException.class, () -> keystoreVault(wrapper).load("ana"));
    wrapper.use(key);
    assertEquals(2, keystoreVault(wrapper).list().size());
  }

  @Test
  void whatIsErasedInALockedVaultIsGoneAndTheKeyFollows() throws IOException {
    SoftwareWrapper wrapper = new SoftwareWrapper();
    keystoreVault(wrapper).save(profile("ana"), false);
    keystoreVault(wrapper).save(profile("ben"), false);
    byte[] old = Files.readAllBytes(folder.resolve("vault/ben.vclp"));
    String key = lock().first().id;
    SecretKey secret = wrapper.invalidate();
    keystoreVault(wrapper).erase("ben");
    assertEquals(Arrays.asList("ana"), keystoreVault(wrapper).names());
    wrapper.use(secret);
    Vault vault = keystoreVault(wrapper);
    assertEquals("ana", vault.load("ana").name());
    assertNotEquals(key, lock().first().id);
    assertFalse(lock().isPending());
    Files.write(folder.resolve("vault/ben.vclp"), old);
    assertThrows(ProfileException.class, () -> vault.load("ben"));
    assertEquals(1, vault.list().size());
  }

  @Test
  void anInvalidatedVaultThatIsEmptiedBeginsAnew() throws IOException {
    SoftwareWrapper wrapper = new SoftwareWrapper();
    keystoreVault(wrapper).save(profile("ana"), false);
    keystoreVault(wrapper).save(profile("ben"), false);
    String old = lock().vault;
    wrapper.use(new SoftwareWrapper().invalidate()); // the system made another one
    Vault vault = keystoreVault(wrapper);
    vault.erase("ben");
    assertThrows(ProfileLockedException.class, () -> vault.save(profile("carl"), false));
    assertEquals(old, lock().vault); // ana still needs it
    vault.erase("ana");
    assertFalse(folder.resolve("vault/vault.json").toFile().exists());
    Vault anew = keystoreVault(wrapper);
    anew.save(profile("carl"), false);
    assertEquals("carl", keystoreVault(wrapper).load("carl").name());
    assertNotEquals(old, lock().vault);
  }

  @Test
  void aForgedLockDestroysNoKeyAndErasesNothing() throws IOException {
    Vault vault = fileVault();
    vault.save(profile("ana"), false);
    Path other = folder.resolve("other");
    File keys = folder.resolve("keys").toFile();
    Vault second = new Vault(other.toFile(), keys, null, null, Vault.FILE, rules);
    second.save(profile("ben"), false);
    Slot theirs = Lock.read(new Disk(other.toFile())).first();
    Lock forged = new Lock(lock().vault, Arrays.asList(lock().first(), theirs), true, Arrays.asList("ana.vclp"));
    forged.write(new Disk(folder.resolve("vault").toFile()));
    fileVault().save(profile("carl"), false);
    assertEquals("ana", fileVault().load("ana").name());
    Lock single = new Lock(lock().vault, Arrays.asList(lock().first()), true, Arrays.asList("ana.vclp"));
    single.write(new Disk(folder.resolve("vault").toFile()));
    fileVault().save(profile("carl"), true);
    assertEquals("ana", fileVault().load("ana").name());
    forged.write(new Disk(folder.resolve("vault").toFile()));
    fileVault().rotateKey(null, null);
    assertEquals(1, lock().slots.size());
    assertEquals(2, fileVault().list().size());
    assertEquals("ben", new Vault(other.toFile(), keys, null, null, Vault.FILE, rules).load("ben").name());
  }

  private Vault keystoreVault(KeyWrapper wrapper) {
    File keys = folder.resolve("keys").toFile();
    WrappedSecrets secrets = new WrappedSecrets(keys, wrapper);
    return new Vault(folder.resolve("vault").toFile(), keys, secrets, null, Vault.KEYSTORE, rules);
  }

  private Lock lock() throws IOException {
    return Lock.read(new Disk(folder.resolve("vault").toFile()));
  }

  /** Names and contents of all files. */
  private List<String> files() throws IOException {
    List<String> all = new ArrayList<>();
    try (Stream<Path> paths = Files.walk(folder)) {
      for (Path path : paths.filter(Files::isRegularFile).sorted().toArray(Path[]::new)) {
        all.add(folder.relativize(path) + " " + Arrays.hashCode(Files.readAllBytes(path)));
      }
    }
    return all;
  }

  @Test
  void anErasedProfileCantBePutBack() throws IOException {
    Vault vault = fileVault();
    vault.save(profile("ana"), false);
    vault.save(profile("ben"), false);
    byte[] ben = Files.readAllBytes(folder.resolve("vault/ben.vclp"));
    byte[] key = Files.readAllBytes(folder.resolve("keys/vault-" + lock().first().id + ".key"));
    String id = lock().first().id;
    vault.erase("ben");
    assertThrows(ProfileNotFoundException.class, () -> vault.load("ben"));
    assertThrows(ProfileNotFoundException.class, () -> vault.erase("ben"));
    assertFalse(folder.resolve("keys/vault-" + id + ".key").toFile().exists());
    Files.write(folder.resolve("vault/ben.vclp"), ben);
    Files.write(folder.resolve("keys/vault-" + id + ".key"), key);
    assertThrows(ProfileException.class, () -> fileVault().load("ben"));
    assertEquals("ana", fileVault().load("ana").name());
  }

  @Test
  void aDamagedProfileIsRestoredFromItsCopyAndKeepsTheOldKey() throws IOException {
    Vault vault = fileVault();
    for (String name : Arrays.asList("ana", "ben", "carl")) {
      vault.save(profile(name), false);
    }
    Files.write(folder.resolve("vault/ana.vclp"), new byte[10]);
    assertEquals(2, vault.list().size());
    assertTrue(vault.damaged().containsKey("ana.vclp"));
    vault.restore("ana", false);
    assertEquals("ana", vault.load("ana").name());
    byte[] ben = Files.readAllBytes(folder.resolve("vault/ben.vclp"));
    Files.delete(folder.resolve("vault/ben.vclp"));
    Files.delete(folder.resolve("vault/backup/ben.vclp"));
    byte[] carl = Files.readAllBytes(folder.resolve("vault/carl.vclp"));
    vault.erase("carl"); // only the old key opens ben, wherever that is
    assertEquals(2, lock().slots.size());
    Files.write(folder.resolve("vault/carl.vclp"), carl);
    assertThrows(ProfileException.class, () -> fileVault().load("carl"));
    assertFalse(folder.resolve("vault/carl.vclp").toFile().exists()); // the erasing was finished
    Files.write(folder.resolve("vault/ben.vclp"), ben);
    assertEquals("ben", fileVault().load("ben").name());
    assertEquals(1, lock().slots.size());
  }

  @Test
  void killedAtAnyWritingTheVaultStaysWhole() throws IOException {
    // Each folder that can't be written to stands for a disk that is full from then on.
    for (String blocked : Arrays.asList("vault", "vault/backup", "keys")) {
      Path base = folder.resolve(blocked.replace('/', '-'));
      Vault vault = vault(base, Vault.FILE, null);
      vault.save(profile("ana"), false);
      Path full = base.resolve(blocked);
      Path aside = base.resolve("aside");
      Files.move(full, aside);
      Files.write(full, new byte[0]); // a file in the way: nothing can be made below it
      Vault again = vault(base, Vault.FILE, null);
      assertThrows(ProfileException.class, () -> again.save(profile("ben"), false), blocked);
      Files.delete(full);
      Files.move(aside, full);
      Vault after = vault(base, Vault.FILE, null);
      assertEquals("ana", after.load("ana").name());
      after.save(profile("ben"), false);
      assertEquals(2, after.list().size());
    }
  }

  @Test
  void linksAreRefusedAndWhatTheyPointToIsLeftAlone() throws IOException {
    Vault vault = fileVault();
    vault.save(profile("ana"), false);
    Path elsewhere = folder.resolve("elsewhere");
    Files.copy(folder.resolve("vault/ana.vclp"), elsewhere);
    byte[] content = Files.readAllBytes(elsewhere);
    Files.delete(folder.resolve("vault/ana.vclp"));
    Files.createSymbolicLink(folder.resolve("vault/ana.vclp"), elsewhere);
    assertThrows(ProfileException.class, () -> vault.load("ana"));
    assertThrows(ProfileException.class, () -> vault.save(profile("ana"), true));
    vault.erase("ana");
    assertArrayEquals(content, Files.readAllBytes(elsewhere));
    assertFalse(Files.isSymbolicLink(folder.resolve("vault/ana.vclp")));
  }
}
