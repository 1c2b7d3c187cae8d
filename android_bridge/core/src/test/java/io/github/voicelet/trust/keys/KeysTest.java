package io.github.voicelet.trust.keys;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.SealException;
import io.github.voicelet.trust.TrustGolden;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against signatures and key files that Python made. */
class KeysTest {
  @TempDir Path folder;

  @Test
  void signsToTheSameBytesAsPythonAndFindsEveryFlippedByte() {
    int rows = 0;
    for (Map<String, Object> row : TrustGolden.rows(TrustGolden.object("keys"), "signatures")) {
      SigningKey key = SigningKey.of(TrustGolden.bytes(row.get("seed")));
      byte[] data = TrustGolden.bytes(row.get("data"));
      String context = (String) row.get("context");
      byte[] signature = key.sign(context, data);
      assertEquals(row.get("public"), key.id());
      assertEquals(row.get("signature"), Hex.of(signature));
      Signatures.verify(key.publicKey(), context, data, signature);
      for (int i = 0; i < signature.length; i++) {
        byte[] changed = signature.clone();
        changed[i] ^= 1;
        assertFalse(Signatures.holds(key.publicKey(), context, data, changed));
      }
      byte[] longer = java.util.Arrays.copyOf(data, data.length + 1);
      assertThrows(SealException.class, () -> Signatures.verify(key.publicKey(), context, longer, signature));
      assertFalse(Signatures.holds(key.publicKey(), "voicelet-consent-2", data, signature));
      rows++;
    }
    assertEquals(8, rows);
  }

  @Test
  void refusesWhatIsNoKeyNoSignatureAndNoContext() {
    SigningKey key = SigningKey.of(TrustGolden.seed(1));
    byte[] signature = key.sign("a", new byte[0]);
    byte[] neutral = new byte[32];
    neutral[0] = 1; // the neutral element, under which anything could hold
    byte[] zeros = new byte[64];
    zeros[0] = 1;
    assertFalse(Signatures.holds(neutral, "a", new byte[0], zeros));
    assertFalse(Signatures.holds(TrustGolden.seed(255), "a", new byte[0], signature));
    assertFalse(Signatures.holds(new byte[31], "a", new byte[0], signature));
    assertFalse(Signatures.holds(key.publicKey(), "a", new byte[0], new byte[63]));
    for (String context : new String[] {"", "A", "a\n", "-a", "a b", "ä"}) {
      assertThrows(SealException.class, () -> key.sign(context, new byte[0]));
    }
    assertThrows(SealException.class, () -> SigningKey.of(new byte[31]));
    assertFalse(key.toString().contains(Hex.of(TrustGolden.seed(1))));
  }

  @Test
  void readsAPemKeyAndRefusesOthers() {
    String pem = (String) TrustGolden.object("keys").get("pem");
    assertEquals(SigningKey.of(TrustGolden.seed(2)).id(), SigningKey.ofPem(bytes(pem)).id());
    for (String damaged :
        new String[] {
          "", pem.replace("PRIVATE", "PUBLIC"), pem.replace("MC4", "MC5"), pem.substring(0, 70), pem.replace("MC4CAQ", "MC4="),
          pem + " ".repeat(1 << 16)
        }) {
      assertThrows(SealException.class, () -> SigningKey.ofPem(bytes(damaged)), damaged);
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  @Test
  void takesOverADeviceKeyOfPythonAndMakesFilesOfTheSameForm() throws IOException {
    Map<String, Object> files = TrustGolden.object("keys", "files");
    files.remove(".device.lock");
    TrustGolden.write(folder, files);
    SigningKey key = new DeviceKey(folder.toFile()).key();
    assertEquals(SigningKey.of(TrustGolden.seed(1)).id(), key.id());
    Path other = folder.resolve("other");
    new SecretFiles(other.toFile()).write("device-" + key.id().substring(0, 16), key.secret());
    for (String name : files.keySet()) {
      if (name.contains(".key")) {
        assertArrayEquals(TrustGolden.bytes(files.get(name)), Files.readAllBytes(other.resolve(name)), name);
      }
    }
    assertEquals(4, files.size());
  }

  @Test
  void makesOneKeyAndKeepsItThroughDamageOfEitherCopy() throws IOException {
    DeviceKey device = new DeviceKey(folder.toFile());
    assertNull(device.existingPublicKey());
    String id = device.key().id();
    assertEquals(id, Hex.of(device.existingPublicKey()));
    Path secret = folder.resolve("device-" + id.substring(0, 16) + ".key");
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(secret)));
    byte[] sound = Files.readAllBytes(secret);
    for (int i = 0; i < sound.length; i++) {
      byte[] damaged = sound.clone();
      damaged[i] ^= 8;
      Files.write(secret, damaged);
      assertEquals(id, new DeviceKey(folder.toFile()).key().id());
    }
    Files.write(folder.resolve("device.json"), new byte[] {'{'});
    assertEquals(id, new DeviceKey(folder.toFile()).key().id());
    Files.write(folder.resolve(secret.getFileName() + ".copy"), new byte[3]);
    assertThrows(SealException.class, () -> new DeviceKey(folder.toFile()).key());
    Files.write(folder.resolve("device.json.copy"), new byte[0]);
    assertThrows(SealException.class, () -> new DeviceKey(folder.toFile()).existingPublicKey());
  }

  @Test
  void aKeyThatIsGoneOrAnotherIsntReplacedUnseen() throws IOException {
    String id = new DeviceKey(folder.toFile()).key().id();
    SecretFiles files = new SecretFiles(folder.toFile());
    files.write("device-" + id.substring(0, 16), TrustGolden.seed(7));
    assertThrows(SealException.class, () -> new DeviceKey(folder.toFile()).key());
    files.delete("device-" + id.substring(0, 16));
    assertThrows(SealException.class, () -> new DeviceKey(folder.toFile()).key());
    assertEquals(id, Hex.of(new DeviceKey(folder.toFile()).existingPublicKey()));
  }

  @Test
  void followsNoLinkAndReadsNoFolder() throws IOException {
    Path elsewhere = Files.write(folder.resolve("elsewhere"), new byte[] {1, 2, 3});
    SecretFiles files = new SecretFiles(folder.toFile());
    Files.createSymbolicLink(folder.resolve("a.key"), elsewhere);
    Files.createSymbolicLink(folder.resolve("b.key"), folder.resolve("nothing"));
    Files.createDirectory(folder.resolve("c.key"));
    for (String name : new String[] {"a", "b", "c"}) {
      assertThrows(SealException.class, () -> files.write(name, new byte[4]), name);
      assertThrows(SealException.class, () -> files.read(name), name);
    }
    assertArrayEquals(new byte[] {1, 2, 3}, Files.readAllBytes(elsewhere));
    assertFalse(Files.exists(folder.resolve("nothing")));
    assertThrows(SealException.class, () -> files.read("../a"));
    assertNull(files.read("d"));
    String[] left = new File(folder.toString()).list((where, name) -> name.endsWith(".part"));
    assertTrue(left != null && left.length == 0);
  }
}
