package io.github.voicelet.profiles.vault;

import io.github.voicelet.ProfileException;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.json.JsonWriter;
import io.github.voicelet.trust.keys.Hex;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What {@code vault.json} holds: which keys a vault has, the one in use first, and what is pending.
 *
 * <p>Keys beyond the first are there only while a change of key is under way.
 */
final class Lock {
  static final String FILE_NAME = "vault.json";

  private static final String FORMAT = "voicelet vault";
  private static final long VERSION = 1;

  final String vault;
  final List<Slot> slots;

  /** The key must be changed as soon as it can be: a profile was erased. */
  final boolean rotate;

  /** Files that were erased without the index saying so yet: the vault was locked. */
  final List<String> erased;

  Lock(String vault, List<Slot> slots, boolean rotate, List<String> erased) {
    this.vault = vault;
    this.slots = Collections.unmodifiableList(new ArrayList<>(slots));
    this.rotate = rotate;
    this.erased = Collections.unmodifiableList(new ArrayList<>(erased));
    if (slots.isEmpty() || !Hex.isHex(vault, 16)) {
      throw new JsonException("a vault without keys");
    }
    Set<String> ids = new HashSet<>();
    for (Slot slot : slots) {
      // The same key as the new one and as the old one would be destroyed as the old one.
      if (!ids.add(slot.id)) {
        throw new JsonException("a key that is listed twice");
      }
    }
    if (slots.get(0).where.equals(Slot.WRAPPED)) {
      throw new JsonException("a key that is under itself");
    }
  }

  Lock withSlots(List<Slot> others, boolean rotates) {
    return new Lock(vault, others, rotates, erased);
  }

  Lock withErased(List<String> files, boolean rotates) {
    return new Lock(vault, slots, rotates, files);
  }

  Slot first() {
    return slots.get(0);
  }

  Slot slot(String id) {
    for (Slot slot : slots) {
      if (slot.id.equals(id)) {
        return slot;
      }
    }
    return null;
  }

  /** Whether a change of key was asked for, or stopped in the middle. */
  boolean isPending() {
    return rotate || !erased.isEmpty() || slots.size() > 1;
  }

  /**
   * The lock of a vault, null if it has none yet; the copy's, if the file is damaged.
   *
   * @throws ProfileException both are damaged, or it is one that isn't encrypted.
   */
  static Lock read(Disk disk) throws IOException {
    String problem = null;
    for (boolean copy : new boolean[] {false, true}) {
      byte[] data;
      try {
        data = disk.read(FILE_NAME, copy);
      } catch (ProfileException e) { // a folder, a pipe, a link: the copy may be sound
        problem = e.getMessage();
        continue;
      }
      if (data == null) {
        continue;
      }
      try {
        return refusePlain(parse(data));
      } catch (JsonException e) {
        problem = FILE_NAME + " is damaged";
      }
    }
    if (problem != null) {
      throw new ProfileException(problem + ", and so is its copy, in " + disk + ": restore it from a backup");
    }
    return null;
  }

  private static Lock refusePlain(Lock lock) {
    for (Slot slot : lock.slots) {
      if (slot.where.equals(Slot.PLAIN)) {
        throw new ProfileException(
            FILE_NAME
                + " says that the profiles aren't encrypted, and here they have to be; encrypt them where they come from:"
                + " voicelet profiles rotate-key --protect passphrase");
      }
    }
    return lock;
  }

  /** Write {@code vault.json} and its copy, both for certain. */
  void write(Disk disk) throws IOException {
    byte[] data = toBytes();
    disk.writeFirst(FILE_NAME, data);
    disk.writeCopy(FILE_NAME, data);
  }

  byte[] toBytes() {
    Map<String, Object> record = new LinkedHashMap<>();
    record.put("format", FORMAT);
    record.put("version", VERSION);
    record.put("lock", fields());
    record.put("sha256", digest(VERSION, fields()));
    return spelled(record);
  }

  private Map<String, Object> fields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("vault", vault);
    List<Object> keys = new ArrayList<>();
    for (Slot slot : slots) {
      keys.add(slot.toJson());
    }
    fields.put("slots", keys);
    fields.put("rotate", rotate);
    if (!erased.isEmpty()) { // else in the form of older versions
      fields.put("erased", erased);
    }
    return fields;
  }

  private static String digest(Object version, Object fields) {
    // Tells damage from a wrong passphrase; protection against attackers is the ciphers'.
    return Hex.sha256(JsonWriter.spaced().sortedKeys().write(Arrays.asList(version, fields)));
  }

  private static byte[] spelled(Object record) {
    return (JsonWriter.indented(1).sortedKeys().write(record) + "\n").getBytes(StandardCharsets.US_ASCII);
  }

  private static Lock parse(byte[] data) {
    Map<String, Object> record = Json.parseObject(data);
    Object version = record.get("version");
    Object fields = record.get("lock");
    boolean isOurs = FORMAT.equals(record.get("format")) && version instanceof Long && record.size() == 4;
    if (!isOurs || !digest(version, fields).equals(record.get("sha256"))) {
      throw new JsonException("changed"); // a damaged version, too: the copy may be sound
    }
    if ((Long) version > VERSION) {
      throw new ProfileException("the profiles were written by a newer voicelet; update this one");
    }
    if (!Arrays.equals(spelled(record), data)) {
      throw new JsonException("not spelled as it was written");
    }
    return of(Json.object(fields, "lock"));
  }

  private static Lock of(Map<String, Object> fields) {
    Set<String> known = new HashSet<>(Arrays.asList("vault", "slots", "rotate", "erased"));
    Object vault = fields.get("vault");
    Object rotate = fields.containsKey("rotate") ? fields.get("rotate") : Boolean.FALSE;
    if (!known.containsAll(fields.keySet()) || !(vault instanceof String) || !(rotate instanceof Boolean)) {
      throw new JsonException("a lock that can't be");
    }
    List<Slot> slots = new ArrayList<>();
    for (Object slot : Json.array(fields.get("slots"), "slots")) {
      slots.add(Slot.read(Json.object(slot, "slot")));
    }
    List<String> erased = new ArrayList<>();
    if (fields.containsKey("erased")) {
      for (Object file : Json.array(fields.get("erased"), "erased")) {
        if (!(file instanceof String)) {
          throw new JsonException("a file that is no text");
        }
        erased.add((String) file);
      }
    }
    return new Lock((String) vault, slots, (Boolean) rotate, erased);
  }
}
