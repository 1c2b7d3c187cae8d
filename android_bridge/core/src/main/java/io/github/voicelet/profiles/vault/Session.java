package io.github.voicelet.profiles.vault;

import io.github.voicelet.ProfileException;
import io.github.voicelet.ProfileLockedException;
import io.github.voicelet.SealException;
import io.github.voicelet.profiles.Profile;
import io.github.voicelet.profiles.ProfileNames;
import io.github.voicelet.profiles.StoredConsent;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.trust.keys.Hex;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** A vault that is open: its keys and its index, and the profiles that they open. */
final class Session {
  private static final int MOST_REPLACED = 256;

  /** A file, decrypted and proven to be the vault's own. */
  static final class Opened {
    final byte[] plain;
    final VaultFile file;

    private Opened(byte[] plain, VaultFile file) {
      this.plain = plain;
      this.file = file;
    }
  }

  final Index index;

  private final Disk disk;
  private final Lock lock;
  private final KeyRing ring;
  private final VaultRules rules;
  private final IndexFile indexFile;

  /**
   * Open a vault.
   *
   * @throws ProfileLockedException a key is missing.
   * @throws ProfileException the index is damaged or older than it was.
   */
  Session(Disk disk, Lock lock, KeyRing ring, VaultRules rules, boolean acceptsOlder, boolean isHurried)
      throws IOException {
    this.disk = disk;
    this.lock = lock;
    this.ring = ring;
    this.rules = rules;
    ring.key(lock, lock.first()); // reports a wrong passphrase first
    indexFile = new IndexFile(disk, lock, ring);
    index = indexFile.read(acceptsOlder, isHurried);
  }

  /**
   * Decrypt the contents of a file and check that it is the newest.
   *
   * @throws ProfileException changed, damaged, another profile's, older than it was, or not encrypted.
   * @throws UnknownKeyException under a key that isn't the vault's.
   */
  Opened open(String name, byte[] data, boolean acceptsOlder) {
    if (!VaultFile.isEncrypted(data)) {
      throw new ProfileException(
          index.entries.containsKey(name)
              ? "the profile was replaced by an unprotected file, or damaged"
              : "it isn't encrypted; move it out of this folder and import it");
    }
    VaultFile file = VaultFile.read(data);
    Slot slot = lock.slot(file.key);
    if (slot == null || !file.vault.equals(lock.vault)) {
      throw new UnknownKeyException("encrypted under a key that this vault hasn't: changed, or another's");
    }
    byte[] plain = file.open(ring.key(lock, slot));
    if (!(ProfileNames.fileStem(file.name) + Disk.SUFFIX).equals(name)) {
      throw new ProfileException("it holds another profile (" + ProfileNames.quoted(file.name) + ")");
    }
    Index.Entry entry = index.entries.get(name);
    if (entry != null && !acceptsOlder) {
      if (entry.isErased && file.generation <= entry.generation) {
        throw new ProfileException("an erased profile was put back");
      }
      boolean isOther = file.generation == entry.generation && !Hex.sha256(data).equals(entry.sha256);
      if (file.generation < entry.generation || isOther) {
        throw new ProfileException(
            "an older file was put back (generation "
                + file.generation
                + ", and the newest was "
                + entry.generation
                + ")");
      }
    }
    return new Opened(plain, file);
  }

  /** The newest sound one of a file and its copy, null if neither is. */
  Opened newest(String name, boolean acceptsOlder) throws IOException {
    Opened newest = null;
    for (boolean copy : new boolean[] {false, true}) {
      byte[] data = disk.readSound(name, copy);
      if (!VaultFile.isEncrypted(data)) {
        continue;
      }
      try {
        Opened opened = open(name, data, acceptsOlder);
        if (newest == null || opened.file.generation > newest.file.generation) {
          newest = opened;
        }
      } catch (ProfileLockedException e) {
        throw e;
      } catch (ProfileException e) {
        continue;
      }
    }
    return newest;
  }

  /**
   * Encrypt a profile as a new generation and write it, its copy and the index.
   *
   * @param writesIndex false leaves the index for later, which is safe: a file newer than the index says isn't an older one put
   *     back.
   * @throws IOException it can't be written; what was there is intact.
   */
  void store(String profileName, byte[] plain, boolean writesIndex) throws IOException {
    if (plain.length > Disk.MAX_PROFILE_BYTES) {
      throw new ProfileException("far too large for a profile; adapt the voice again");
    }
    String name = ProfileNames.fileStem(profileName) + Disk.SUFFIX;
    Index.Entry entry = index.entries.get(name);
    Opened newest = newest(name, true);
    long last = Math.max(entry == null ? 0 : entry.generation, newest == null ? 0 : newest.file.generation);
    Slot slot = lock.first();
    String revoked = withdrawn(plain, newest == null ? "" : newest.file.revoked);
    byte[] data = VaultFile.pack(plain, ring.key(lock, slot), slot, lock.vault, profileName, last + 1, revoked);
    try {
      indexFile.expect(name);
    } catch (SealException e) {
      throw new ProfileException("it isn't written: " + e.getMessage(), e);
    }
    disk.write(name, data);
    List<String> known = entry == null ? Collections.<String>emptyList() : entry.consents;
    List<String> consents = earlierConsents(plain, known, newest == null ? null : newest.plain);
    index.entries.put(name, new Index.Entry(last + 1, Hex.sha256(data), false, consents));
    if (writesIndex) {
      try {
        writeIndex();
      } catch (IOException | SealException e) {
        return; // no error: see above
      }
    }
  }

  /** The id of a profile's consent record if it is withdrawn, else ""; once withdrawn, a record stays withdrawn. */
  private String withdrawn(byte[] plain, String before) {
    StoredConsent record = consent(plain);
    if (record == null) {
      return "";
    }
    String id = record.id();
    return id.equals(before) || index.revoked().contains(id) || rules.isWithdrawn(id) ? id : "";
  }

  /** Ids of the consent records that a profile had before; none of another speaker's. */
  private static List<String> earlierConsents(byte[] plain, List<String> known, byte[] before) {
    StoredConsent now = consent(plain);
    StoredConsent old = before == null ? null : consent(before);
    if (now == null || old == null) {
      return known;
    }
    if (!person(now.speaker()).equals(person(old.speaker()))) {
      return Collections.emptyList();
    }
    Set<String> ids = new LinkedHashSet<>(known);
    ids.addAll(old.replaces());
    ids.add(old.id());
    ids.remove(now.id());
    List<String> all = new ArrayList<>(ids);
    return all.subList(Math.max(0, all.size() - MOST_REPLACED), all.size());
  }

  private static String person(String speaker) {
    return Case.lower(Case.upper(speaker)).trim().replaceAll("\\s+", " ");
  }

  private static StoredConsent consent(byte[] plain) {
    try {
      return Profile.fromBytes(plain).consent();
    } catch (ProfileException e) {
      return null;
    }
  }

  /** Files that are, or should be, profiles; those that the index alone knows, too. */
  List<String> files() {
    Set<String> files = new TreeSet<>(disk.profiles());
    for (Map.Entry<String, Index.Entry> entry : index.entries.entrySet()) {
      if (!entry.getValue().isErased) {
        files.add(entry.getKey());
      }
    }
    return new ArrayList<>(files);
  }

  /** Files that the index knows and that aren't there, nor their copies. */
  List<String> missing() {
    List<String> missing = files();
    missing.removeAll(disk.profiles());
    return missing;
  }

  /** Have the index say that profiles were erased. */
  void noteErased(List<String> files) throws IOException {
    for (String file : files) {
      Index.Entry entry = index.entries.get(file);
      long generation = entry == null ? 1 : entry.generation;
      index.entries.put(file, new Index.Entry(generation, "", true, Collections.<String>emptyList()));
    }
    writeIndex();
  }

  void writeIndex() throws IOException {
    indexFile.write(index);
  }
}
