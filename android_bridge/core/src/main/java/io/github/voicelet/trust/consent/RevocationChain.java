package io.github.voicelet.trust.consent;

import io.github.voicelet.ConsentException;
import io.github.voicelet.trust.keys.Hex;
import io.github.voicelet.trust.keys.SigningKey;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A list of revocations, every line of which holds.
 *
 * <p>Each line has one spelling, so that no byte of the list can change unseen: a capital digit, a space, a carriage return or an
 * id that comes twice is an error, and none is passed over. Immutable.
 */
final class RevocationChain {
  static final int MAX_BYTES = 16 << 20;

  private static final Pattern COULD_BE_ID = Pattern.compile("(?<![0-9a-fA-F])[0-9a-fA-F]{32}");

  private final List<Revocation> entries;
  private final List<String> hashes;

  /** What is wrong with the line after the last; "" for a list that is whole. */
  private final String problem;

  private RevocationChain(List<Revocation> entries, List<String> hashes, String problem) {
    this.entries = Collections.unmodifiableList(entries);
    this.hashes = hashes;
    this.problem = problem;
  }

  /** The beginning of a list, up to the first line that doesn't hold. */
  static RevocationChain longestSound(byte[] raw) {
    List<Revocation> entries = new ArrayList<>();
    List<String> hashes = new ArrayList<>();
    Set<String> ids = new HashSet<>();
    String problem = "";
    for (byte[] line : lines(raw)) {
      try {
        Revocation entry = Revocation.parse(line);
        String before = hashes.isEmpty() ? ListState.START : hashes.get(hashes.size() - 1);
        if (!entry.previous().equals(before)) {
          throw new ConsentException("the line before was changed, removed or moved");
        }
        if (!ids.add(entry.id())) {
          throw new ConsentException("this revocation stands in the list twice");
        }
        entries.add(entry);
        hashes.add(Hex.sha256(line));
      } catch (ConsentException e) {
        problem = "line " + (entries.size() + 1) + ": " + e.getMessage();
        break;
      }
    }
    if (problem.isEmpty() && raw.length > 0 && raw[raw.length - 1] != '\n') {
      problem = "the last line is cut short";
    }
    return new RevocationChain(entries, hashes, problem);
  }

  /** By id: the lines that hold for themselves, wherever they stand in a broken list. */
  static Map<String, Revocation> scattered(byte[] raw) {
    Map<String, Revocation> found = new LinkedHashMap<>();
    for (byte[] line : lines(raw)) {
      try {
        Revocation entry = Revocation.parse(line);
        found.put(entry.id(), entry);
      } catch (ConsentException e) {
        continue; // the others may hold
      }
    }
    return found;
  }

  /** Whatever could be an id in a broken list, however it is spelled. */
  static Set<String> mentioned(byte[] raw) {
    Set<String> found = new LinkedHashSet<>();
    Matcher match = COULD_BE_ID.matcher(new String(raw, StandardCharsets.ISO_8859_1));
    while (match.find()) {
      found.add(match.group().toLowerCase(Locale.ROOT));
    }
    return found;
  }

  /** Lines without their ends; a carriage return ends none. */
  private static List<byte[]> lines(byte[] raw) {
    List<byte[]> out = new ArrayList<>();
    int start = 0;
    for (int i = 0; i <= raw.length; i++) {
      if (i == raw.length ? i > start : raw[i] == '\n') {
        out.add(Arrays.copyOfRange(raw, start, i));
        start = i + 1;
      }
    }
    return out;
  }

  /** With one more line, signed. */
  RevocationChain grown(SigningKey key, String id, String revoked, String reason) {
    Revocation entry = Revocation.sign(key, id, revoked, reason, state().sha256());
    List<Revocation> more = new ArrayList<>(entries);
    List<String> moreHashes = new ArrayList<>(hashes);
    more.add(entry);
    moreHashes.add(Hex.sha256(entry.line()));
    return new RevocationChain(more, moreHashes, problem);
  }

  String problem() {
    return problem;
  }

  List<Revocation> entries() {
    return entries;
  }

  ListState state() {
    return hashes.isEmpty() ? ListState.EMPTY : new ListState(hashes.size(), hashes.get(hashes.size() - 1));
  }

  /** As it is stored. */
  byte[] raw() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (Revocation entry : entries) {
      out.write(entry.line(), 0, entry.line().length);
      out.write('\n');
    }
    return out.toByteArray();
  }

  /** Id → date. */
  Map<String, String> ids() {
    Map<String, String> ids = new LinkedHashMap<>();
    for (Revocation entry : entries) {
      ids.put(entry.id(), entry.revoked());
    }
    return ids;
  }

  /**
   * Whether this list was once in that state, perhaps grown since, or took the place of a lost one that was.
   *
   * @param device this device's public key: nobody else can say that a list took another's place.
   */
  boolean holds(ListState state, String device) {
    int count = state.count();
    if (count == 0 || (count <= hashes.size() && hashes.get(count - 1).equals(state.sha256()))) {
      return true;
    }
    for (Revocation entry : entries) {
      if (entry.device().equals(device) && state.equals(entry.replaces())) {
        return true;
      }
    }
    return false;
  }

  /** What is wrong where it isn't the list that some states are of; null where nothing is. */
  String broken(Collection<ListState> states, String device) {
    for (ListState state : states) {
      if (holds(state, device)) {
        continue;
      }
      if (entries.isEmpty()) {
        return "is missing or empty, and it held " + state.count() + " withdrawn consents";
      }
      if (entries.size() < state.count()) {
        return "holds " + entries.size() + " withdrawn consents, and it held " + state.count();
      }
      return "is another list than it was";
    }
    return null;
  }
}
