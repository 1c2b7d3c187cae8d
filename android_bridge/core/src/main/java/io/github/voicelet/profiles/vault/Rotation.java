package io.github.voicelet.profiles.vault;

import io.github.voicelet.ProfileException;
import io.github.voicelet.ProfileLockedException;
import io.github.voicelet.SealException;
import io.github.voicelet.profiles.ProfileNames;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Set;

/**
 * Changing the key of a vault, so that old copies of what was erased can't be opened any more.
 *
 * <p>The order of the steps makes it safe to be killed at any moment: the new key is in {@code vault.json} before anything is
 * written under it; every profile is written again, with its copy; the index follows; only then is the old key destroyed and
 * removed from {@code vault.json}. Until then everything can be read, and the next writer continues where this one stopped.
 */
final class Rotation {
  private static final String UNKNOWN =
      Lock.FILE_NAME
          + " states a change of key that this device didn't begin, so it isn't carried out; somebody else may have written that"
          + " file. Change the key to settle it";

  private final Disk disk;
  private final KeyRing ring;
  private final VaultRules rules;

  Rotation(Disk disk, KeyRing ring, VaultRules rules) {
    this.disk = disk;
    this.ring = ring;
    this.rules = rules;
  }

  /**
   * Finish what is pending, if it can be; the caller holds the folder. Where a damaged profile still needs the old key, that
   * stays.
   *
   * @throws ProfileLockedException a key is missing.
   */
  Lock settle(Lock lock) throws IOException {
    if (!lock.isPending() || !ring.beganChange(lock)) {
      return lock;
    }
    try {
      Slot slot = lock.slots.size() > 1 ? null : ring.make(lock.vault, lock.first().where, null, true);
      return rotate(lock, slot);
    } catch (ProfileLockedException e) {
      throw e;
    } catch (ProfileException e) {
      Lock now = Lock.read(disk);
      return now == null ? lock : now;
    }
  }

  /**
   * Bring everything under a new key and destroy the old ones.
   *
   * @param slot the new key, just made; null to go on with a rotation that was stopped.
   * @throws ProfileException this device didn't begin the one that was stopped; or a profile is damaged, or its file is gone, so
   *     that the old key is still needed.
   */
  Lock rotate(Lock from, Slot slot) throws IOException {
    if (slot == null && !ring.beganChange(from)) {
      throw new ProfileException(UNKNOWN);
    }
    Lock lock = carryOut(from);
    if (slot != null) {
      List<Slot> both = new ArrayList<>(Collections.singletonList(slot));
      both.addAll(lock.slots);
      Lock joined = lock.withSlots(both, lock.rotate);
      List<Slot> carried = new ArrayList<>(Collections.singletonList(slot));
      for (Slot old : lock.slots) {
        carried.add(ring.carry(joined, old, slot));
      }
      lock = lock.withSlots(carried, false);
      ring.beginChange(lock);
      lock.write(disk);
    }
    rewrap(lock);
    for (Slot old : lock.slots.subList(1, lock.slots.size())) {
      ring.forget(old);
    }
    lock = lock.withSlots(Collections.singletonList(lock.first()), false);
    lock.write(disk);
    ring.endChange(lock);
    return lock;
  }

  /** Have the index know what was erased while the vault was locked. */
  Lock carryOut(Lock lock) throws IOException {
    if (lock.erased.isEmpty()) {
      return lock;
    }
    for (String file : lock.erased) {
      disk.remove(file); // if we were stopped before
    }
    try {
      session(lock).noteErased(lock.erased);
    } catch (SealException e) {
      throw new ProfileException("the index can't be written: " + e.getMessage(), e);
    }
    Lock done = lock.withErased(Collections.<String>emptyList(), lock.rotate);
    ring.beginChange(done);
    done.write(disk);
    return done;
  }

  /** The keys outside the vault that open a file or its copy; nobody is asked for any. */
  List<Slot> keysOf(Lock lock, String file) throws IOException {
    List<Slot> found = new ArrayList<>();
    for (Slot slot : lock.slots) {
      if (slot.isOutside() && (opens(lock, slot, disk.readSound(file, false)) || opens(lock, slot, disk.readSound(file, true)))) {
        found.add(slot);
      }
    }
    return found;
  }

  private boolean opens(Lock lock, Slot slot, byte[] data) {
    if (!VaultFile.isEncrypted(data)) {
      return false;
    }
    try {
      VaultFile file = VaultFile.read(data);
      if (!file.vault.equals(lock.vault) || !file.key.equals(slot.id)) {
        return false;
      }
      file.open(ring.key(lock, slot));
      return true;
    } catch (ProfileException e) {
      return false;
    }
  }

  /**
   * A lock less the keys that open nothing in the vault: they may be another vault's. For an owner who changes the key although
   * {@code vault.json} states a change that this device didn't begin.
   *
   * @throws ProfileLockedException no key can be had.
   */
  Lock inUse(Lock lock) throws IOException {
    List<Slot> known = new ArrayList<>();
    ProfileLockedException problem = null;
    for (Slot slot : lock.slots) {
      try {
        ring.key(lock, slot);
        known.add(slot);
      } catch (ProfileLockedException e) {
        problem = problem == null ? e : problem;
      }
    }
    if (known.isEmpty() || known.get(0).where.equals(Slot.WRAPPED)) {
      throw problem != null ? problem : new ProfileLockedException("no key of the profiles can be had; restore vault.json");
    }
    Lock all = new Lock(lock.vault, known, false, Collections.<String>emptyList());
    IndexFile index = new IndexFile(disk, all, ring);
    Set<String> away = index.holdings();
    if (away != null) {
      away.removeAll(disk.profiles());
      if (!away.isEmpty()) { // any of the keys may be what opens them
        return all;
      }
    }
    List<Slot> used = new ArrayList<>();
    Set<String> ofIndex = index.keyIds();
    for (Slot slot : known) {
      boolean isUsed = ofIndex.contains(slot.id);
      for (String file : disk.profiles()) {
        isUsed = isUsed || opens(all, slot, disk.readSound(file, false)) || opens(all, slot, disk.readSound(file, true));
      }
      if (isUsed) {
        used.add(slot);
      }
    }
    if (used.isEmpty() || used.get(0).where.equals(Slot.WRAPPED)) {
      return all.withSlots(used.isEmpty() ? known.subList(0, 1) : known, false);
    }
    return all.withSlots(used, false);
  }

  private Session session(Lock lock) throws IOException {
    return new Session(disk, lock, ring, rules, false, false);
  }

  private void rewrap(Lock lock) throws IOException {
    Session session = session(lock);
    List<String> damaged = new ArrayList<>();
    for (String name : session.files()) {
      byte[] first = disk.readSound(name, false);
      byte[] copy = disk.readSound(name, true);
      Index.Entry entry = session.index.entries.get(name);
      Session.Opened newest = session.newest(name, false);
      if (newest != null) {
        boolean isDone = newest.file.key.equals(lock.first().id) && first != null && Arrays.equals(first, copy);
        if (!isDone) {
          session.store(newest.file.name, newest.plain, false);
        }
      } else if (entry != null && entry.isErased) {
        disk.remove(name); // the erasing was stopped
      } else if (entry != null || VaultFile.isEncrypted(first) || VaultFile.isEncrypted(copy)) {
        damaged.add(name);
      }
    }
    if (!damaged.isEmpty()) {
      throw new ProfileException(needed(damaged));
    }
    for (Iterator<Index.Entry> each = session.index.entries.values().iterator(); each.hasNext(); ) {
      if (each.next().isErased) {
        each.remove();
      }
    }
    session.writeIndex();
  }

  private static String needed(List<String> files) {
    StringBuilder names = new StringBuilder();
    for (String file : files) {
      names.append(names.length() == 0 ? "" : ", ").append(ProfileNames.quoted(ProfileNames.ofFile(file)));
    }
    return names
        + " can't be read, or isn't there, and only the old key could ever open that again: put it back or restore its copy; or,"
        + " if it is lost for good, erase it";
  }
}
