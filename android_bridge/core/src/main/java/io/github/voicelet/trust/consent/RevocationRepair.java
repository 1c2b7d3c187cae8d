package io.github.voicelet.trust.consent;

import io.github.voicelet.files.OwnFiles;
import io.github.voicelet.trust.keys.SigningKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A broken list of revocations put together again: from the whole one of two copies; else from the lines that still hold and what
 * is known elsewhere.
 */
final class RevocationRepair {
  private final SigningKey key;
  private final RevocationChain start;
  private final List<ListState> missing = new ArrayList<>();
  /** Id → date of those that the start lacks; null for a date that isn't known. */
  private final Map<String, String> elsewhere = new LinkedHashMap<>();
  private final int lost;

  /**
   * @param raws the list and its copy, as they are.
   * @param states that it must have been in.
   * @param known ids that somebody else knows of.
   * @param key of this device.
   */
  RevocationRepair(byte[][] raws, Collection<ListState> states, Collection<String> known, SigningKey key) {
    this.key = key;
    start = best(raws, states);
    Set<String> counted = new HashSet<>(known);
    for (String id : known) {
      elsewhere.put(id, null);
    }
    // Anybody can sign lines; only this device's stand for withdrawals that it counted.
    for (Revocation entry : start.entries()) {
      count(entry, counted);
    }
    for (byte[] raw : raws) {
      for (Revocation entry : RevocationChain.scattered(raw).values()) {
        elsewhere.put(entry.id(), entry.revoked());
        count(entry, counted);
      }
    }
    elsewhere.keySet().removeAll(start.ids().keySet());
    int most = 0;
    for (ListState state : states) {
      if (!start.holds(state, key.id())) {
        missing.add(state);
        most = Math.max(most, state.count());
      }
    }
    lost = Math.max(0, most - counted.size());
  }

  private RevocationChain best(byte[][] raws, Collection<ListState> states) {
    RevocationChain best = null;
    boolean isBestWhole = false;
    for (byte[] raw : raws) {
      RevocationChain chain = RevocationChain.longestSound(raw);
      // A list that holds all that is known; then the longer one, without what is wrong behind it.
      boolean isWhole = chain.broken(states, key.id()) == null;
      boolean isLonger = best == null || chain.entries().size() > best.entries().size();
      if (best == null || (isWhole && !isBestWhole) || (isWhole == isBestWhole && isLonger)) {
        best = chain;
        isBestWhole = isWhole;
      }
    }
    return best;
  }

  private void count(Revocation entry, Set<String> counted) {
    if (entry.device().equals(key.id())) {
      counted.add(entry.id());
    }
  }

  /** How many more withdrawals there had been. */
  int lost() {
    return lost;
  }

  /** Ids that were found elsewhere. */
  List<String> added() {
    return new ArrayList<>(elsewhere.keySet());
  }

  /**
   * The list, with a line for each lost state that says whose place it took.
   *
   * @param now stands for dates that aren't known.
   */
  RevocationChain repaired(String now) {
    RevocationChain chain = start;
    for (Map.Entry<String, String> entry : elsewhere.entrySet()) {
      String date = entry.getValue() == null ? now : entry.getValue();
      chain = chain.grown(key, entry.getKey(), date, Revocations.FOUND_AGAIN);
    }
    for (ListState state : missing) {
      String why = "replaces " + state.count() + " " + state.sha256();
      chain = chain.grown(key, OwnFiles.randomHex(16), now, why);
    }
    return chain;
  }
}
