package io.github.voicelet.profiles.vault;

import io.github.voicelet.ConfigException;
import io.github.voicelet.ProfileLockedException;
import io.github.voicelet.SealException;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.json.JsonWriter;
import io.github.voicelet.trust.keys.Hex;
import io.github.voicelet.trust.keys.SecretFiles;
import io.github.voicelet.trust.keys.SecretStore;
import io.github.voicelet.trust.seal.Aead;
import io.github.voicelet.trust.seal.Base64Text;
import io.github.voicelet.trust.seal.Passphrases;
import io.github.voicelet.trust.seal.Stretch;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The keys of a vault (32 random bytes each): getting, making, destroying; they stay in memory afterwards. */
final class KeyRing {
  private static final byte[] PURPOSE = "voicelet vault key: wrap keys 1".getBytes(StandardCharsets.US_ASCII);
  private static final int ID_BYTES = 8;
  private static final int MOST_CHANGES = 3;

  private final File folder;
  private final SecretStore files;
  private final SecretStore keystore;
  private final PassphraseSource source;
  private final Map<String, byte[]> keys = new HashMap<>();
  private Stretch stretch;
  private byte[] stretched;

  /**
   * A ring.
   *
   * @param folder of key files and counters, outside the vault.
   * @param keystore of the system; null for none.
   */
  KeyRing(File folder, SecretStore keystore, PassphraseSource source) {
    this.folder = folder;
    this.keystore = keystore;
    this.source = source;
    files = new SecretFiles(folder);
  }

  File file(String name) {
    return new File(folder, name);
  }

  /**
   * The key of one of a lock's slots.
   *
   * @throws ProfileLockedException it is gone or locked away, or the passphrase is wrong or missing.
   */
  byte[] key(Lock lock, Slot slot) {
    byte[] key = keys.get(slot.id);
    if (key == null) {
      key = get(lock, slot);
      keys.put(slot.id, key);
    }
    return key;
  }

  /**
   * Make a key and keep it.
   *
   * @param where "keystore", "file" or "passphrase".
   * @param passphrase a new one; null for the one in use.
   * @param isInUse whether the vault has that passphrase already: a weak one of old still serves.
   * @throws ProfileLockedException it can't be kept there.
   * @throws ConfigException a new passphrase that is weak, or no such protection.
   */
  Slot make(String vault, String where, String passphrase, boolean isInUse) {
    byte[] key = Aead.random(Aead.KEY_BYTES);
    String id = Hex.of(Aead.random(ID_BYTES));
    Slot slot;
    if (where.equals(Slot.PASSPHRASE)) {
      slot = wrapped(vault, id, key, passphrase, isInUse);
    } else if (where.equals(Slot.FILE) || where.equals(Slot.KEYSTORE)) {
      slot = new Slot(id, where, null, "");
      try {
        store(where).write(entry(id), key);
      } catch (SealException e) {
        throw new ProfileLockedException(e.getMessage(), e);
      }
    } else {
      throw new ConfigException("no protection '" + where + "'; there are keystore, file and passphrase");
    }
    keys.put(id, key);
    return slot;
  }

  /** The slot of an earlier passphrase, so that the key {@code under} opens it; others as they are. */
  Slot carry(Lock lock, Slot slot, Slot under) {
    if (!slot.where.equals(Slot.PASSPHRASE) && !slot.where.equals(Slot.WRAPPED)) {
      return slot;
    }
    byte[] outer = Aead.subkey(key(lock, under), PURPOSE);
    String box = Base64Text.of(Aead.box(outer, key(lock, slot), place(lock.vault, slot.id, null)));
    return new Slot(slot.id, Slot.WRAPPED, null, box);
  }

  /**
   * Destroy a key; a passphrase's goes with {@code vault.json}.
   *
   * @throws ProfileLockedException it is still there.
   */
  void forget(Slot slot) {
    keys.remove(slot.id);
    if (slot.isOutside()) {
      try {
        store(slot.where).delete(entry(slot.id));
      } catch (SealException e) {
        throw new ProfileLockedException(e.getMessage(), e);
      }
    }
  }

  private byte[] get(Lock lock, Slot slot) {
    if (slot.where.equals(Slot.PASSPHRASE)) {
      return unwrapped(lock.vault, slot);
    }
    if (slot.where.equals(Slot.WRAPPED)) {
      byte[] key = open(key(lock, lock.first()), slot.wrapped, place(lock.vault, slot.id, null));
      if (key == null) {
        throw new ProfileLockedException("an earlier key of the profiles is damaged; restore vault.json from a backup");
      }
      return key;
    }
    byte[] key;
    try {
      key = store(slot.where).read(entry(slot.id));
    } catch (SealException e) {
      throw new ProfileLockedException(e.getMessage(), e);
    }
    if (key == null || key.length != Aead.KEY_BYTES) {
      throw new ProfileLockedException(
          "the key of the profiles is "
              + (key == null ? "gone" : "damaged")
              + " ("
              + slot.where
              + ", "
              + entry(slot.id)
              + "): restore it from a backup; without it they can't be opened by anybody, and have to be enrolled or"
              + " imported again");
    }
    return key;
  }

  private SecretStore store(String where) {
    if (where.equals(Slot.FILE)) {
      return files;
    }
    if (keystore == null) {
      throw new ProfileLockedException(
          "the key of the profiles is in another system's keystore, which can't be reached from here; export them there");
    }
    return keystore;
  }

  private Slot wrapped(String vault, String id, byte[] key, String passphrase, boolean isInUse) {
    if (passphrase != null || stretched == null) {
      String chosen = passphrase != null ? passphrase : passphrase();
      if (!isInUse) {
        Passphrases.checkStrength(chosen);
      }
      stretch = Stretch.ofVault();
      stretched = stretch.key(chosen);
    }
    byte[] box = Aead.box(Aead.subkey(stretched, PURPOSE), key, place(vault, id, stretch));
    return new Slot(id, Slot.PASSPHRASE, stretch, Base64Text.of(box));
  }

  private byte[] unwrapped(String vault, Slot slot) {
    if (stretched == null || !slot.stretch.equals(stretch)) {
      stretched = slot.stretch.key(passphrase());
      stretch = slot.stretch;
    }
    byte[] key = open(stretched, slot.wrapped, place(vault, slot.id, slot.stretch));
    if (key == null) {
      stretched = null;
      throw new ProfileLockedException("wrong passphrase; the profiles stay locked");
    }
    return key;
  }

  private String passphrase() {
    String passphrase = source == null ? null : source.get();
    if (passphrase == null || passphrase.isEmpty()) {
      throw new ProfileLockedException("the profiles are protected by a passphrase; give it");
    }
    return passphrase;
  }

  private static byte[] open(byte[] key, String wrapped, byte[] place) {
    byte[] box = Base64Text.bytes(wrapped);
    byte[] inner = box == null ? null : Aead.open(Aead.subkey(key, PURPOSE), box, place);
    return inner != null && inner.length == Aead.KEY_BYTES ? inner : null;
  }

  private static byte[] place(String vault, String id, Stretch stretch) {
    List<Object> fields = Arrays.asList("voicelet vault key 1", vault, id, stretch == null ? null : stretch.toJson());
    return JsonWriter.spaced().write(fields).getBytes(StandardCharsets.US_ASCII);
  }

  private static String entry(String id) {
    return "vault-" + id;
  }

  /**
   * Note outside the vault that this device wants the change of key that a lock states: whoever can write to the vault alone
   * could otherwise have a key destroyed by a {@code vault.json} of their own. Called before the lock is written.
   */
  void beginChange(Lock lock) {
    List<Object> states = begun(lock.vault);
    states.add(change(lock));
    // The one before stands in vault.json until the new one does.
    List<Object> kept = states.subList(Math.max(0, states.size() - MOST_CHANGES), states.size());
    try {
      SecretFiles.writeFile(changeFile(lock.vault), JsonWriter.spaced().write(kept).getBytes(StandardCharsets.US_ASCII));
    } catch (SealException e) {
      throw new ProfileLockedException(e.getMessage(), e);
    }
  }

  /** Whether this device began the change of key that a lock states. */
  boolean beganChange(Lock lock) {
    return begun(lock.vault).contains(change(lock));
  }

  /** Forget the note: the change is done. */
  void endChange(Lock lock) {
    try {
      Disk.shred(changeFile(lock.vault));
    } catch (IOException e) {
      return; // harmless: what it speaks of is done
    }
  }

  private File changeFile(String vault) {
    return file("vault-" + vault + ".change");
  }

  private List<Object> begun(String vault) {
    try {
      byte[] data = SecretFiles.readFile(changeFile(vault));
      return data == null ? new ArrayList<>() : new ArrayList<>(Json.array(Json.parse(data), "the note"));
    } catch (SealException | JsonException e) {
      return new ArrayList<>(); // what can't be read was not begun here
    }
  }

  private static Object change(Lock lock) {
    List<Object> state = new ArrayList<>();
    state.add(lock.rotate);
    for (Slot slot : lock.slots) {
      state.add(Arrays.<Object>asList(slot.id, slot.where));
    }
    if (!lock.erased.isEmpty()) {
      List<Object> erased = new ArrayList<>(Collections.singletonList("erased"));
      erased.addAll(lock.erased);
      state.add(erased);
    }
    return state;
  }
}
