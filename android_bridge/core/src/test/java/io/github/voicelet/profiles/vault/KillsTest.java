package io.github.voicelet.profiles.vault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.profiles.Profile;
import io.github.voicelet.profiles.ProfilesGolden;
import java.io.File;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KillsTest {
  private static final int KILLS = 5;

  @TempDir Path folder;

  @Test
  void aWriterMayBeKilledAtAnyMoment() throws Exception {
    Path file = folder.resolve("ana.vclp");
    Profile ana = ProfilesGolden.ana();
    Files.write(file, ana.toBytes());
    File keys = folder.resolve("keys").toFile();
    File place = folder.resolve("vault").toFile();
    new Vault(place, keys, null, null, Vault.FILE, new RecordingRules()).save(ana, false);
    String java = Paths.get(System.getProperty("java.home"), "bin", "java").toString();
    for (int kill = 0; kill < KILLS; kill++) {
      Process writer =
          new ProcessBuilder(
                  java,
                  "-Xshare:auto",
                  "-cp",
                  System.getProperty("java.class.path"),
                  KilledWriter.class.getName(),
                  folder.toString(),
                  file.toString(),
                  "" + kill)
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      try (InputStream out = writer.getInputStream()) {
        for (int actions = 0; actions < 2 + 3 * kill; actions++) {
          assertEquals('.', out.read(), "the writer ended by itself after kill " + kill);
        }
      } finally {
        writer.destroyForcibly().waitFor();
      }
      Vault vault = new Vault(place, keys, null, null, Vault.FILE, new RecordingRules());
      assertEquals(ana, vault.load("ana"));
      assertEquals(vault.names().size(), vault.list().size());
      assertTrue(vault.damaged().isEmpty(), () -> vault.damaged().toString());
      assertEquals(1, Lock.read(new Disk(place)).slots.size()); // what was pending is settled
    }
  }
}
