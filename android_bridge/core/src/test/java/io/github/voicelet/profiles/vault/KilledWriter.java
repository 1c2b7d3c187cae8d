package io.github.voicelet.profiles.vault;

import io.github.voicelet.profiles.Profile;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Random;

/** A process that saves, erases and changes keys until it is killed: {@code folder profile seed}. */
public final class KilledWriter {
  private KilledWriter() {}

  public static void main(String[] arguments) throws Exception {
    File folder = new File(arguments[0]);
    Profile ana = Profile.fromBytes(Files.readAllBytes(Paths.get(arguments[1])));
    Random random = new Random(Long.parseLong(arguments[2]));
    File keys = new File(folder, "keys");
    Vault vault = new Vault(new File(folder, "vault"), keys, null, null, Vault.FILE, new RecordingRules());
    while (true) {
      String name = "p" + random.nextInt(3);
      int action = random.nextInt(4);
      if (action == 0 && vault.names().contains(name)) {
        vault.erase(name);
      } else if (action == 1) {
        vault.rotateKey(null, null);
      } else {
        vault.save(ana.toBuilder().name(name).build(), true);
      }
      System.out.write('.');
      System.out.flush();
    }
  }
}
