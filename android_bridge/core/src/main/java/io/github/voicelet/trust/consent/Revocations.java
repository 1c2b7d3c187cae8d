package io.github.voicelet.trust.consent;

import io.github.voicelet.ConsentEndedException;
import io.github.voicelet.ConsentException;
import io.github.voicelet.SealException;
import io.github.voicelet.files.FolderLock;
import io.github.voicelet.files.OwnFiles;
import io.github.voicelet.trust.keys.DeviceKey;
import io.github.voicelet.trust.keys.Hex;
import io.github.voicelet.trust.keys.SigningKey;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Withdrawn consents: a signed list that only grows, and what tells when it has shrunk.
 *
 * <p>A list that is missing, shorter than it was, another one or damaged stops every enrolled voice, for any of them may have
 * been withdrawn, until the list is restored or its owner has it repaired. Where no state is kept yet, the first use takes the
 * list as it is. A withdrawal is written to the list first, then to its copy and the states; so whenever the machine stops, the
 * list is at least as long as anything says. Threads and processes may share one.
 */
public final class Revocations {
  private static final String REMEDY = "restore it from a backup, or have it repaired";
  static final String FOUND_AGAIN = "withdrawn before; found again";

  private final File list;
  private final ListStates store;
  private final DeviceKey device;
  private final Set<ListState> expected = new LinkedHashSet<>();
  private final Set<String> expectedIds = new LinkedHashSet<>();
  private Status seen;
  private byte[] seenList;
  private byte[] seenState;

  /** What a look at the list found: ids, with dates; its state; or why it can't be trusted. */
  private static final class Status {
    final Map<String, String> revoked;
    final ListState state;
    final String problem;

    Status(Map<String, String> revoked, ListState state, String problem) {
      this.revoked = revoked;
      this.state = state;
      this.problem = problem;
    }
  }

  /**
   * @param list the file; it isn't among the profiles: a voice that is erased and imported again stays revoked.
   * @param states folder of what is kept apart from it: that of the device's keys.
   * @param device signs new lines.
   */
  public Revocations(File list, File states, DeviceKey device) {
    this.list = list;
    this.store = new ListStates(states);
    this.device = device;
  }

  /**
   * Withdraw the consent with that id, for good; doing so twice adds nothing.
   *
   * @param nowS seconds since 1970.
   * @throws ConsentException the list can't be written, or isn't what it was; then the consent is not revoked.
   * @throws SealException the device's key can't be had.
   */
  public synchronized Revocation add(String id, String reason, long nowS) {
    if (!Hex.isHex(id, 32)) {
      throw new ConsentException("'" + id + "' is no id of a consent record");
    }
    String why = ConsentText.check("the reason", reason, true);
    if (why.startsWith("replaces ")) {
      throw new ConsentException("a reason can't begin with 'replaces'; say it in other words");
    }
    SigningKey key = device.key();
    try {
      status(); // a list of before is taken as it is, before it grows
      FolderLock lock = lock();
      try {
        ListStates.Kept kept = kept();
        RevocationChain chain = sound(read(), kept.states);
        for (Revocation entry : chain.entries()) {
          if (entry.id().equals(id)) {
            return entry;
          }
        }
        chain = chain.grown(key, id, UtcTime.format(nowS), why);
        write(chain, kept.position, false);
        return chain.entries().get(chain.entries().size() - 1);
      } finally {
        lock.close();
      }
    } catch (ConsentException | IOException e) {
      throw new ConsentException(list + ": " + e.getMessage() + "; the consent is NOT revoked", e);
    }
  }

  /**
   * Raise if a record is listed, or may have been.
   *
   * @throws ConsentEndedException it is listed.
   * @throws ConsentException the list isn't what it was, so that nobody knows.
   */
  public synchronized void check(ConsentRecord record) {
    Status status = status();
    String date = status.revoked.get(record.id());
    if (date != null) {
      String on = date.isEmpty() ? "" : " on " + date.substring(0, 10);
      throw new ConsentEndedException(
          record.givenBy() + " withdrew the consent to this voice" + on + "; ask for consent anew");
    }
    if (!status.problem.isEmpty()) {
      throw new ConsentException(status.problem);
    }
  }

  /** When a record was withdrawn, ISO 8601; "" if that isn't known, null if it wasn't. */
  public synchronized String withdrawnOn(String id) {
    return status().revoked.get(id);
  }

  /**
   * All revocations, oldest first.
   *
   * @throws ConsentException a line was changed, removed or moved; it is named.
   */
  public synchronized List<Revocation> entries() {
    return sound(read(), kept().states).entries();
  }

  /**
   * Have the list compared with a state that is kept elsewhere (a vault's index, the audit log), from now on.
   *
   * @param state what the list was; null if that isn't known.
   * @param ids that it held; they count as revoked, whatever became of the list.
   */
  public synchronized void expect(ListState state, Collection<String> ids) {
    boolean isNew = state != null && expected.add(state);
    if (expectedIds.addAll(ids) || isNew) {
      seen = null;
    }
  }

  /** The state of the list, to be kept elsewhere; null if it is broken. */
  public synchronized ListState state() {
    return status().state;
  }

  /** The ids on it, to be kept elsewhere. */
  public synchronized List<String> ids() {
    return new ArrayList<>(status().revoked.keySet());
  }

  /**
   * Put the list together again, from all that this device knows; for its owner to ask for. Nothing that is found is left out.
   *
   * @param acceptsLoss go on even if there were more withdrawals than are found again: those voices may then speak.
   * @param nowS seconds since 1970.
   * @return ids that were found elsewhere and added again.
   * @throws ConsentException there were more, or the list can't be written.
   * @throws SealException the device's key can't be had.
   */
  public synchronized List<String> repair(boolean acceptsLoss, long nowS) {
    SigningKey key = device.key();
    try {
      FolderLock lock = lock();
      try {
        byte[][] raws = {readOrEmpty(), store.readCopy()};
        RevocationRepair repair = new RevocationRepair(raws, survivingStates(), expectedIds, key);
        if (repair.lost() > 0 && !acceptsLoss) {
          throw new ConsentException(
              repair.lost()
                  + " withdrawn consents can't be found again, in "
                  + list
                  + ", its copy or the profiles; restore a backup of that file, or accept the loss if there is none: those"
                  + " voices may then speak");
        }
        RevocationChain whole = repair.repaired(UtcTime.format(nowS));
        makeRoom();
        write(whole, "", true);
        return repair.added();
      } finally {
        lock.close();
      }
    } catch (IOException e) {
      throw new ConsentException(list + ": " + e.getMessage() + "; nothing changed", e);
    }
  }

  private Status status() {
    byte[] raw = null;
    byte[] state = store.fingerprint();
    try {
      raw = OwnFiles.readIfThere(list, RevocationChain.MAX_BYTES);
    } catch (IOException e) {
      seen = null; // look() says why
    }
    if (seen == null || !Arrays.equals(raw, seenList) || !Arrays.equals(state, seenState)) {
      seen = look();
      // What the look itself wrote needs no second one; the list may have changed since.
      seenList = raw;
      seenState = store.fingerprint();
    }
    return seen;
  }

  private Status look() {
    byte[] raw = new byte[0];
    ListStates.Kept kept;
    RevocationChain chain;
    try {
      kept = kept();
      raw = read(); // last, since it is what writers write first
      chain = sound(raw, kept.states);
    } catch (ConsentException e) {
      Map<String, String> named = new LinkedHashMap<>();
      for (byte[] bytes : new byte[][] {raw.length > 0 ? raw : readOrEmpty(), store.readCopy()}) {
        for (String id : RevocationChain.mentioned(bytes)) {
          named.put(id, "");
        }
      }
      for (String id : expectedIds) {
        named.put(id, "");
      }
      return new Status(named, null, e.getMessage());
    }
    Set<String> unlisted = new LinkedHashSet<>(expectedIds);
    unlisted.removeAll(chain.ids().keySet());
    Map<String, String> all = new LinkedHashMap<>();
    for (String id : unlisted) {
      all.put(id, "");
    }
    all.putAll(chain.ids());
    if (!unlisted.isEmpty() && !kept.states.isEmpty()) {
      return new Status(
          all,
          null,
          list + " lacks " + unlisted.size() + " withdrawn consents that a profile or the audit log knows of; " + REMEDY);
    }
    chain = broughtUp(chain, unlisted, kept);
    all.putAll(chain.ids());
    return new Status(all, chain.state(), "");
  }

  /** Add what is known elsewhere alone; bring the states that are kept up to the list. */
  private RevocationChain broughtUp(RevocationChain chain, Set<String> unlisted, ListStates.Kept kept) {
    RevocationChain grown = chain;
    try {
      List<ListState> stored = store.read().states;
      if (unlisted.isEmpty() && stored.equals(Arrays.asList(chain.state(), chain.state()))) {
        return chain;
      }
      FolderLock lock = lock();
      try {
        if (!Arrays.equals(read(), chain.raw())) {
          return chain; // it has grown; whoever wrote it sees to the rest
        }
        for (String id : unlisted) {
          grown = grown.grown(device.key(), id, UtcTime.format(UtcTime.nowS()), FOUND_AGAIN);
        }
        if (unlisted.isEmpty()) {
          store.write(chain, kept.position);
        } else {
          write(grown, kept.position, false);
        }
      } finally {
        lock.close();
      }
    } catch (IOException | SealException | ConsentException e) {
      return grown; // speech goes on: the list holds, and the next look tries again
    }
    return grown;
  }

  private ListStates.Kept kept() {
    try {
      ListStates.Kept kept = store.read();
      kept.states.addAll(expected);
      return kept;
    } catch (ConsentException e) {
      throw new ConsentException(e.getMessage() + "; " + REMEDY, e);
    }
  }

  private Set<ListState> survivingStates() {
    try {
      return new LinkedHashSet<>(kept().states);
    } catch (ConsentException e) {
      return new LinkedHashSet<>(expected);
    }
  }

  private RevocationChain sound(byte[] raw, List<ListState> states) {
    RevocationChain chain = RevocationChain.longestSound(raw);
    if (!chain.problem().isEmpty()) {
      throw new ConsentException(list + ", " + chain.problem() + "; " + REMEDY);
    }
    String problem = chain.broken(states, ownKey());
    if (problem != null) {
      throw new ConsentException(list + " " + problem + "; no enrolled voice speaks; " + REMEDY);
    }
    return chain;
  }

  /** The list, then what is kept apart from it. */
  private void write(RevocationChain chain, String position, boolean needsState) throws IOException {
    OwnFiles.write(list, chain.raw());
    seen = null;
    try {
      store.write(chain, position);
    } catch (SealException e) {
      if (needsState) {
        throw new ConsentException("the list is whole, but not its state: " + e.getMessage(), e);
      }
      seen = null; // the withdrawal stands; the next look keeps its state
    }
  }

  private String ownKey() {
    byte[] key = device.existingPublicKey();
    return key == null ? "" : Hex.of(key);
  }

  private FolderLock lock() throws IOException {
    OwnFiles.makePrivateFolder(list.getAbsoluteFile().getParentFile());
    return FolderLock.of(new File(list.getPath() + ".lock"));
  }

  /** Put aside a folder, or the like, that stands in the list's place. */
  private void makeRoom() throws IOException {
    boolean isOdd = OwnFiles.isLink(list) || (list.exists() && !list.isFile());
    if (isOdd && !list.renameTo(new File(list.getPath() + "." + OwnFiles.randomHex(4)))) {
      throw new IOException("what stands in the list's place can't be put aside");
    }
  }

  private byte[] readOrEmpty() {
    try {
      return read();
    } catch (ConsentException e) {
      return new byte[0];
    }
  }

  private byte[] read() {
    try {
      byte[] raw = OwnFiles.readIfThere(list, RevocationChain.MAX_BYTES);
      return raw == null ? new byte[0] : raw;
    } catch (IOException e) {
      throw new ConsentException(list + ": " + e.getMessage() + "; " + REMEDY, e);
    }
  }
}
