package io.github.voicelet.profiles.vault;

import io.github.voicelet.ProfileException;
import io.github.voicelet.SealException;
import io.github.voicelet.files.OwnFiles;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.json.JsonWriter;
import io.github.voicelet.trust.keys.Hex;
import io.github.voicelet.trust.keys.SecretFiles;
import io.github.voicelet.trust.seal.Aead;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The index on the disk, which detects an older file that was put back.
 *
 * <pre>
 * "VCLX" or "VCLC" · version uint8 · key id [8] · nonce [12] · ChaCha20-Poly1305 of JSON
 * </pre>
 *
 * <p>Two files in the folder of keys belong to it: {@code vault-ID.count}, a counter that only rises, so that an older copy of
 * the whole vault is detected as well; and {@code vault-ID.profiles}, the files that the key opens, so that it isn't destroyed
 * while one of them is away.
 */
final class IndexFile {
  static final String FILE_NAME = "index";

  private static final byte[] INDEX = {'V', 'C', 'L', 'X', 1};
  private static final byte[] COUNT = {'V', 'C', 'L', 'C', 1};
  private static final byte[] PURPOSE = "voicelet vault key: index 1".getBytes(StandardCharsets.US_ASCII);
  private static final int ID_BYTES = 8;
  private static final int MOST_BYTES = 1 << 22;
  private static final String COUNTER = "counter";
  private static final String REMEDY = "; if you put it back yourself, from a backup say, restore it as an older one";

  private final Disk disk;
  private final Lock lock;
  private final KeyRing ring;
  private final File countFile;
  private final File holdingsFile;

  IndexFile(Disk disk, Lock lock, KeyRing ring) {
    this.disk = disk;
    this.lock = lock;
    this.ring = ring;
    countFile = ring.file("vault-" + lock.vault + ".count");
    holdingsFile = ring.file("vault-" + lock.vault + ".profiles");
  }

  /**
   * Read the index, or its copy if it is damaged.
   *
   * @param acceptsOlder take what is there, even if it is older than it was, or nothing.
   * @param isHurried another process may be changing the key right now; then the lock must be read again, and a key that isn't in
   *     it doesn't mean damage yet.
   * @throws ProfileException it is damaged, gone or older than it was.
   * @throws UnknownKeyException the lock must be read again.
   */
  Index read(boolean acceptsOlder, boolean isHurried) throws IOException {
    long least = readCount(isHurried);
    Index index = null;
    String problem = null;
    for (boolean copy : new boolean[] {false, true}) {
      byte[] data = disk.read(FILE_NAME, copy);
      if (data == null) {
        problem = problem == null ? "is gone" : problem;
        continue;
      }
      try {
        index = Index.read(open(data, INDEX));
        break;
      } catch (ProfileException | JsonException e) {
        if (isHurried && e instanceof UnknownKeyException) {
          throw e;
        }
        problem = "was changed or damaged";
      }
    }
    if (acceptsOlder) {
      index = index == null ? new Index() : index;
      index.counter = Math.max(index.counter, least);
      Set<String> held = holdings();
      for (String file : held == null ? Collections.<String>emptySet() : held) { // an older one doesn't know them all
        if (!index.entries.containsKey(file)) {
          index.entries.put(file, new Index.Entry(0, "", false, Collections.<String>emptyList()));
        }
      }
      return index;
    }
    if (index == null && (least > 0 || !"is gone".equals(problem))) {
      throw new ProfileException("the index of the profiles " + problem + REMEDY);
    }
    index = index == null ? new Index() : index;
    if (index.counter < least) {
      throw new ProfileException("the folder of profiles is older than it was" + REMEDY);
    }
    return index;
  }

  /** Of the keys that open the index and its copy. */
  Set<String> keyIds() throws IOException {
    Set<String> ids = new TreeSet<>();
    for (boolean copy : new boolean[] {false, true}) {
      byte[] data = disk.readSound(FILE_NAME, copy);
      try {
        if (data != null) {
          open(data, INDEX);
          ids.add(Hex.of(Arrays.copyOfRange(data, INDEX.length, INDEX.length + ID_BYTES)));
        }
      } catch (ProfileException | JsonException e) {
        continue; // it opens with none
      }
    }
    return ids;
  }

  /** Write the index with its counter raised, then the counter, then what the key opens. */
  void write(Index index) throws IOException {
    index.counter++;
    disk.write(FILE_NAME, seal(index.toJson(), INDEX));
    Map<String, Object> count = new LinkedHashMap<>();
    count.put(COUNTER, index.counter);
    SecretFiles.writeFile(countFile, seal(count, COUNT));
    Set<String> held = holdings();
    Set<String> files = held == null ? new TreeSet<String>() : new TreeSet<>(held);
    for (Map.Entry<String, Index.Entry> entry : index.entries.entrySet()) {
      if (entry.getValue().isErased) {
        files.remove(entry.getKey());
      } else {
        files.add(entry.getKey());
      }
    }
    if (!files.equals(held)) {
      hold(files);
    }
  }

  /** The files that the key opens, here or elsewhere; null if that isn't known. It can be read while the vault is locked. */
  Set<String> holdings() {
    Set<String> files = new TreeSet<>();
    try {
      byte[] data = OwnFiles.readIfThere(holdingsFile, MOST_BYTES);
      if (data == null) {
        return null;
      }
      for (Object file : Json.array(Json.parse(data), "files")) {
        if (!(file instanceof String)) {
          return null;
        }
        files.add((String) file);
      }
    } catch (IOException | JsonException e) {
      return null;
    }
    return files;
  }

  /** State that the key opens a file, before that is written. */
  void expect(String file) {
    Set<String> held = holdings();
    if (held != null && held.add(file)) {
      hold(held);
    }
  }

  private void hold(Set<String> files) {
    // A set of code units' order; Python reads any order.
    String text = JsonWriter.spaced().write(new ArrayList<Object>(files));
    SecretFiles.writeFile(holdingsFile, text.getBytes(StandardCharsets.US_ASCII));
  }

  /** For a vault in which nothing is left. */
  void remove() throws IOException {
    Disk.shred(countFile); // first: a counter without an index is an alarm
    Disk.shred(holdingsFile);
    disk.remove(FILE_NAME);
  }

  /** The counter; 0 where there is none, or it is damaged and made anew. */
  private long readCount(boolean isHurried) {
    try {
      byte[] data = SecretFiles.readFile(countFile);
      Object count = data == null ? 0L : Json.object(open(data, COUNT), "the counter").get(COUNTER);
      return count instanceof Long ? (Long) count : 0;
    } catch (UnknownKeyException e) {
      if (isHurried) {
        throw e;
      }
      return 0;
    } catch (SealException | JsonException e) {
      return 0;
    } catch (io.github.voicelet.ProfileLockedException e) {
      throw e;
    } catch (ProfileException e) {
      return 0;
    }
  }

  private byte[] seal(Object value, byte[] magic) {
    Slot slot = lock.first();
    byte[] start = join(magic, Hex.bytes(slot.id));
    byte[] text = JsonWriter.spaced().sortedKeys().write(value).getBytes(StandardCharsets.US_ASCII);
    byte[] key = Aead.subkey(ring.key(lock, slot), PURPOSE);
    return join(start, Aead.box(key, text, join(start, Hex.bytes(lock.vault))));
  }

  private Object open(byte[] data, byte[] magic) {
    int head = magic.length + ID_BYTES;
    if (data.length < head || !Arrays.equals(Arrays.copyOf(data, magic.length), magic)) {
      throw new ProfileException("not an index");
    }
    byte[] start = Arrays.copyOf(data, head);
    Slot slot = lock.slot(Hex.of(Arrays.copyOfRange(start, magic.length, head)));
    if (slot == null) {
      throw new UnknownKeyException("the index is under a key that isn't this vault's; restore a backup");
    }
    byte[] key = Aead.subkey(ring.key(lock, slot), PURPOSE);
    byte[] text = Aead.open(key, Arrays.copyOfRange(data, head, data.length), join(start, Hex.bytes(lock.vault)));
    if (text == null) {
      throw new ProfileException("the index was changed or damaged; restore a backup");
    }
    return Json.parse(text);
  }

  private static byte[] join(byte[] first, byte[] second) {
    byte[] out = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, out, first.length, second.length);
    return out;
  }
}
