package io.github.voicelet.profiles.vault;

import io.github.voicelet.ConfigException;
import io.github.voicelet.ProfileException;
import io.github.voicelet.ProfileLockedException;
import io.github.voicelet.ProfileNotFoundException;
import io.github.voicelet.SealException;
import io.github.voicelet.files.FolderLock;
import io.github.voicelet.profiles.Profile;
import io.github.voicelet.profiles.ProfileNames;
import io.github.voicelet.trust.keys.Hex;
import io.github.voicelet.trust.keys.SecretStore;
import io.github.voicelet.trust.seal.Aead;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A folder of encrypted profiles.
 *
 * <pre>
 * Vault vault = new Vault(folder, keys, new WrappedSecrets(keys, wrapper), null, Vault.KEYSTORE, rules);
 * vault.save(profile, false);
 * Profile profile = vault.load("ana");
 * </pre>
 *
 * <p>Several threads and processes may use one vault: a reader sees the old profile or the new one.
 */
@SuppressWarnings("try") // the folder is held, and nothing asked of the lock
public final class Vault {
  /** The key is kept by the system's keystore, or wrapped by a key of it. */
  public static final String KEYSTORE = Slot.KEYSTORE;

  /** The key is a private file outside the vault. */
  public static final String FILE = Slot.FILE;

  /** The key is in the vault, under a key that is stretched from a passphrase. */
  public static final String PASSPHRASE = Slot.PASSPHRASE;

  private static final int TRIES = 3;

  private final Disk disk;
  private final KeyRing ring;
  private final String protection;
  private final VaultRules rules;
  private final Rotation rotation;

  /**
   * Use a folder, which is made when first written to.
   *
   * @param keys folder of key files and counters, outside the vault.
   * @param keystore the system's; null for none.
   * @param passphrase asks for it; null where the vault has none.
   * @param protection of a new vault: {@link #KEYSTORE}, {@link #FILE} or {@link #PASSPHRASE}.
   */
  public Vault(
      File folder,
      File keys,
      SecretStore keystore,
      PassphraseSource passphrase,
      String protection,
      VaultRules rules) {
    disk = new Disk(folder);
    ring = new KeyRing(keys, keystore, passphrase);
    this.protection = protection;
    this.rules = rules;
    rotation = new Rotation(disk, ring, rules);
  }

  /** How the key is kept; null for a vault that isn't made yet. */
  public String protection() {
    try {
      Lock lock = Lock.read(disk);
      return lock == null ? null : lock.first().where;
    } catch (IOException e) {
      throw disk.explained("can't read the lock", e);
    }
  }

  /**
   * Store a profile under its name.
   *
   * @param replaces whether a profile of that name may be replaced.
   * @throws io.github.voicelet.ConsentException it has no consent record, or one that isn't genuine.
   * @throws ProfileLockedException the vault's key or passphrase is missing or wrong.
   * @throws ProfileException the disk is full, an unknown speaker encoder made it, or there is one already and {@code replaces}
   *     is false. What was there before is intact.
   */
  public synchronized void save(Profile profile, boolean replaces) {
    profile.checkRecord();
    profile.checkEncoder();
    List<Profile> others = list();
    boolean isHere = false;
    List<Profile> agreed = new ArrayList<>();
    for (Profile other : others) {
      boolean isSame =
          other.name().equals(profile.name()) && other.voiceprintSha256().equals(profile.voiceprintSha256());
      isHere |= isSame && other.consent() != null;
      if (!isSame || other.consent() != null) {
        agreed.add(other);
      }
    }
    if (!isHere) {
      rules.admit(profile, agreed);
    }
    String name = file(profile.name());
    try (FolderLock held = disk.writing()) {
      Lock lock = rotation.settle(openOrMake());
      if (!replaces && disk.isThere(name)) {
        throw new ProfileException(
            "there is a profile "
                + ProfileNames.quoted(profile.name())
                + " already; choose another name, or say that it is to be replaced");
      }
      if (lock.erased.contains(name) && ring.beganChange(lock)) {
        throw new ProfileException(
            ProfileNames.quoted(profile.name())
                + " was erased, and that isn't finished yet; make room on the disk and try again");
      }
      session(lock, false).store(profile.name(), profile.toBytes(), true);
    } catch (IOException e) {
      throw disk.explained("can't save the profile " + ProfileNames.quoted(profile.name()), e);
    }
  }

  /**
   * Read a profile.
   *
   * @throws ProfileNotFoundException there is none of that name.
   * @throws ProfileLockedException the vault's key or passphrase is missing, invalid or wrong.
   * @throws ProfileException it was changed or damaged, is another profile's file or older than it was; {@link #restore} may bring
   *     it back.
   */
  public synchronized Profile load(String name) {
    String checked = ProfileNames.check(name);
    Profile profile = read(file(checked));
    if (!profile.name().equals(checked)) {
      throw new ProfileException(
          "the file of profile " + ProfileNames.quoted(checked) + " holds another one; enrol the voice again");
    }
    return profile;
  }

  private Profile read(String name) {
    for (int attempt = 1; ; attempt++) {
      boolean isHurried = attempt < TRIES;
      try {
        Lock lock = Lock.read(disk);
        if (lock != null && lock.isPending()) {
          lock = tryToSettle(lock);
        }
        // The index is read before the file; writers write the file first.
        Session session = lock == null ? null : new Session(disk, lock, ring, rules, false, isHurried);
        byte[] data = disk.read(name, false);
        if (data == null) {
          throw notThere(name, session);
        }
        if (session == null) {
          refuseOrphans();
          throw new ProfileException("it isn't encrypted; move it out of this folder and import it");
        }
        Session.Opened opened = session.open(name, data, false);
        Set<String> withdrawn = new LinkedHashSet<>(session.index.revoked());
        if (!opened.file.revoked.isEmpty()) {
          withdrawn.add(opened.file.revoked);
        }
        if (!withdrawn.isEmpty()) {
          rules.expectWithdrawn(withdrawn);
        }
        return Profile.fromBytes(opened.plain);
      } catch (UnknownKeyException e) {
        if (!isHurried) { // else its key was changed between two reads
          throw named(name, e);
        }
      } catch (ProfileNotFoundException | ProfileLockedException e) {
        throw e;
      } catch (ProfileException e) {
        throw named(name, e);
      } catch (IOException e) {
        throw disk.explained("can't read '" + name + "'", e);
      }
    }
  }

  private ProfileException named(String name, ProfileException error) {
    String remedy = disk.hasCopy(name) ? "; restore it from its copy" : "; enrol the voice again, or import it";
    return new ProfileException("'" + name + "': " + error.getMessage() + remedy, error);
  }

  private ProfileException notThere(String name, Session session) {
    String quoted = ProfileNames.quoted(ProfileNames.ofFile(name));
    if (disk.hasCopy(name)) {
      return new ProfileException("the file of " + quoted + " is gone, but there is a copy");
    }
    if (session != null && session.missing().contains(name)) {
      return new ProfileException("the file of " + quoted + " is gone, and so is its copy: put it back, or erase it");
    }
    return new ProfileNotFoundException("there is no profile " + quoted + "; list the profiles to see which there are");
  }

  private Lock tryToSettle(Lock lock) {
    try (FolderLock held = disk.writing()) {
      Lock now = Lock.read(disk);
      return rotation.settle(now == null ? lock : now);
    } catch (IOException e) {
      return lock; // reading goes on; the next writer settles it
    }
  }

  /** Names of all profiles, in alphabetical order; the vault may be locked. */
  public synchronized List<String> names() {
    Set<String> names = new TreeSet<>();
    try {
      for (String file : disk.profiles()) {
        for (boolean copy : new boolean[] {false, true}) {
          byte[] data = disk.readSound(file, copy);
          try {
            if (VaultFile.isEncrypted(data) && file(VaultFile.read(data).name).equals(file)) {
              names.add(VaultFile.read(data).name);
            }
          } catch (ProfileException e) {
            continue; // its copy may still say
          }
        }
      }
    } catch (IOException e) {
      throw disk.explained("can't list the profiles", e);
    }
    return new ArrayList<>(names);
  }

  /**
   * All sound profiles, by file; damaged ones are left out, see {@link #damaged}.
   *
   * @throws ProfileLockedException the vault's key or passphrase is missing or wrong.
   */
  public synchronized List<Profile> list() {
    List<Profile> sound = new ArrayList<>();
    scan(sound, new LinkedHashMap<String, ProfileException>());
    return sound;
  }

  /**
   * Files that look like profiles, or should be there, and can't be used, with what is wrong.
   *
   * @throws ProfileLockedException the vault's key or passphrase is missing or wrong.
   */
  public synchronized Map<String, ProfileException> damaged() {
    Map<String, ProfileException> damaged = new LinkedHashMap<>();
    scan(new ArrayList<Profile>(), damaged);
    return damaged;
  }

  /** Files that the index knows and that aren't there; none where it can't be read, and each profile says so itself. */
  private List<String> missing() {
    try {
      Lock lock = Lock.read(disk);
      List<String> missing = lock == null ? new ArrayList<String>() : session(lock, false).missing();
      if (lock != null) {
        missing.removeAll(lock.erased);
      }
      return missing;
    } catch (ProfileLockedException e) {
      throw e;
    } catch (ProfileException e) {
      return Collections.emptyList();
    } catch (IOException e) {
      throw disk.explained("can't list the profiles", e);
    }
  }

  private void scan(List<Profile> sound, Map<String, ProfileException> damaged) {
    Set<String> files = new TreeSet<>(disk.profiles());
    files.addAll(missing());
    for (String file : files) {
      try {
        Profile profile = read(file);
        if (!file(profile.name()).equals(file)) {
          throw new ProfileException("it holds another profile (" + ProfileNames.quoted(profile.name()) + ")");
        }
        sound.add(profile);
      } catch (ProfileLockedException e) {
        throw e;
      } catch (ProfileException e) {
        damaged.put(file, e);
      }
    }
  }

  /**
   * Destroy a profile: its file, its copy, and the key that could open further copies.
   *
   * <p>The other profiles are encrypted anew under a new key and the old key is destroyed. In a vault that is locked, the files go
   * now and the key when it is next unlocked. Where another profile is damaged in both copies, the old key is kept until that one
   * is back or erased.
   *
   * @throws ProfileNotFoundException there is none of that name.
   * @throws ProfileException it can't be removed.
   */
  public synchronized void erase(String name) {
    String file = file(ProfileNames.check(name));
    try (FolderLock held = disk.writing()) {
      Lock lock;
      try {
        lock = Lock.read(disk);
      } catch (ProfileException e) {
        lock = null; // damaged beyond use: the files can go all the same
      }
      Set<String> holdings = lock == null ? null : new IndexFile(disk, lock, ring).holdings();
      if (!disk.isThere(file) && (holdings == null || !holdings.contains(file))) {
        throw new ProfileNotFoundException("there is no profile " + ProfileNames.quoted(name));
      }
      if (lock != null) {
        // First: if we are stopped from here on, the key is changed at the next chance.
        boolean isKnown = !lock.isPending() || ring.beganChange(lock);
        Set<String> erased = new LinkedHashSet<>(lock.erased);
        erased.add(file);
        lock = lock.withErased(new ArrayList<>(erased), true);
        if (isKnown) {
          ring.beginChange(lock);
        }
        lock.write(disk);
      }
      List<Slot> keys = lock == null ? Collections.<Slot>emptyList() : rotation.keysOf(lock, file);
      disk.remove(file);
      if (lock != null) {
        forget(lock, file, keys);
      }
    } catch (IOException e) {
      throw disk.explained("can't erase the profile " + ProfileNames.quoted(name), e);
    }
  }

  private void forget(Lock lock, String file, List<Slot> keys) throws IOException {
    try {
      Session session = session(lock, false);
      if (ring.beganChange(lock)) {
        rotation.settle(rotation.carryOut(lock));
      } else {
        session.noteErased(Collections.singletonList(file));
      }
    } catch (ProfileException | SealException e) {
      // The files are gone. The key goes when the vault is next unlocked: vault.json says so. Unless nothing is left to lock: a key
      // that is lost would be in the way for ever.
      IndexFile index = new IndexFile(disk, lock, ring);
      Set<String> away = index.holdings();
      if (away != null) {
        away.removeAll(lock.erased);
      }
      if (disk.profiles().isEmpty() && away != null && away.isEmpty()) {
        beginAnew(lock, index, keys);
      }
    }
  }

  private void beginAnew(Lock lock, IndexFile index, List<Slot> keys) throws IOException {
    for (Slot slot : keys) {
      ring.forget(slot);
    }
    index.remove();
    disk.remove(Lock.FILE_NAME);
    ring.endChange(lock);
  }

  /**
   * Bring back a damaged or missing profile from its copy.
   *
   * @param acceptsOlder take an older file, if there is no other: for an owner who has put it back from a backup on purpose.
   * @throws ProfileNotFoundException there is none of that name.
   * @throws ProfileException neither file nor copy is sound.
   */
  public synchronized void restore(String name, boolean acceptsOlder) {
    String file = file(ProfileNames.check(name));
    if (!disk.isThere(file)) {
      throw new ProfileNotFoundException("there is no profile " + ProfileNames.quoted(name) + ", nor a copy of one");
    }
    try (FolderLock held = disk.writing()) {
      Lock lock = Lock.read(disk);
      if (lock == null) {
        refuseOrphans();
        throw new ProfileException("this vault has no keys yet; import the profile");
      }
      Session session = session(lock, acceptsOlder);
      Session.Opened newest = session.newest(file, acceptsOlder);
      if (newest == null) {
        throw new ProfileException(
            "neither the file of " + ProfileNames.quoted(name) + " nor its copy is sound and the newest; import it again");
      }
      session.store(newest.file.name, newest.plain, true);
    } catch (IOException e) {
      throw disk.explained("can't restore " + ProfileNames.quoted(name), e);
    }
  }

  /**
   * Encrypt all profiles anew under a new key and destroy the old one. It may be killed at any moment: everything stays readable,
   * and the next writer goes on.
   *
   * @param where how the new key is kept; null for as the old one.
   * @param passphrase a new one; null for none, or the one in use.
   * @throws ProfileLockedException the old key is missing, or the new one can't be kept.
   * @throws ConfigException the passphrase is a weak one, or there is no such protection.
   * @throws ProfileException a profile is damaged, and only the old key could ever open it.
   */
  public synchronized void rotateKey(String where, String passphrase) {
    try (FolderLock held = disk.writing()) {
      Lock lock = openOrMake();
      if (lock.isPending() && !ring.beganChange(lock)) {
        lock = rotation.inUse(lock);
      } else if (lock.slots.size() > 1) {
        lock = rotation.rotate(lock, null);
      }
      ring.key(lock, lock.first()); // reports a wrong passphrase before a new one is made
      String kept = passphrase != null ? Slot.PASSPHRASE : lock.first().where;
      rotation.rotate(lock, ring.make(lock.vault, where != null ? where : kept, passphrase, false));
    } catch (IOException e) {
      throw disk.explained("can't change the key", e);
    }
  }

  private Session session(Lock lock, boolean acceptsOlder) throws IOException {
    return new Session(disk, lock, ring, rules, acceptsOlder, false);
  }

  private Lock openOrMake() throws IOException {
    Lock lock = Lock.read(disk);
    if (lock != null) {
      return lock;
    }
    refuseOrphans();
    String vault = Hex.of(Aead.random(8));
    Slot slot = ring.make(vault, protection, null, false);
    lock = new Lock(vault, Collections.singletonList(slot), false, Collections.<String>emptyList());
    lock.write(disk);
    return lock;
  }

  /** A new key would shut out the profiles that are encrypted under the old one. */
  private void refuseOrphans() throws IOException {
    for (String file : disk.profiles()) {
      for (boolean copy : new boolean[] {false, true}) {
        if (VaultFile.isEncrypted(disk.readSound(file, copy))) {
          throw new ProfileException(
              disk
                  + " holds encrypted profiles, but vault.json is gone or another one: restore it from a backup, or move the"
                  + " folder away to begin anew");
        }
      }
    }
  }

  private static String file(String name) {
    return ProfileNames.fileStem(name) + Disk.SUFFIX;
  }
}
