package io.github.voicelet.trust.keys;

import io.github.voicelet.SealException;
import io.github.voicelet.files.FolderLock;
import io.github.voicelet.files.OwnFiles;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.json.JsonWriter;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * This device's own key, which signs consent records, revocations and the audit log; made on first use.
 *
 * <p>A small file beside it says where it is, and its public half: a keystore that is locked today must not lead to a second
 * key. Threads may share one.
 */
public final class DeviceKey {
  private static final String KIND = "device";

  private final File folder;
  private final SecretStore store;
  private SigningKey known;

  /** What the file beside the key says. */
  private static final class Marker {
    final String place;
    final byte[] publicKey;

    Marker(String place, byte[] publicKey) {
      this.place = place;
      this.publicKey = publicKey;
    }
  }

  /** With its secret in a file of the folder. */
  public DeviceKey(File folder) {
    this(folder, new SecretFiles(folder));
  }

  /**
   * @param folder of the file that says where the key is.
   * @param store where a new key is kept; an old one that is in a file is read from there.
   */
  public DeviceKey(File folder, SecretStore store) {
    this.folder = folder;
    this.store = store;
  }

  /**
   * The key.
   *
   * @throws SealException it is in a keystore that is locked, or damaged, or can't be written.
   */
  public synchronized SigningKey key() {
    if (known == null) {
      known = load();
    }
    return known;
  }

  /**
   * Its public half, 32 bytes, without opening the keystore; none is made.
   *
   * @return null where there is no key.
   * @throws SealException the file that says where the key is, is damaged.
   */
  public byte[] existingPublicKey() {
    Marker marker = readMarker();
    return marker == null ? null : marker.publicKey;
  }

  private SigningKey load() {
    Marker marker;
    try {
      OwnFiles.makePrivateFolder(folder);
      FolderLock lock = FolderLock.of(new File(folder, "." + KIND + ".lock"));
      try {
        marker = readMarker();
        if (marker == null) {
          return make();
        }
      } finally {
        lock.close();
      }
    } catch (IOException e) {
      throw new SealException(folder + ": can't be written (" + e.getMessage() + ")", e);
    }
    byte[] secret = storeAt(marker.place).read(name(marker.publicKey));
    if (secret == null) {
      throw new SealException(
          "this device's key is gone from the "
              + marker.place
              + "; restore it from a backup, or remove "
              + marker(false)
              + " for a new one (what the old one signed then has to be trusted anew)");
    }
    SigningKey key = SigningKey.of(secret);
    if (!Arrays.equals(key.publicKey(), marker.publicKey)) {
      throw new SealException("this device's key in the " + marker.place + " isn't the one it was; restore a backup");
    }
    return key;
  }

  private SecretStore storeAt(String place) {
    return place.equals(store.place()) || !place.equals(SecretFiles.FILE) ? store : new SecretFiles(folder);
  }

  private SigningKey make() {
    SigningKey key = SigningKey.create();
    // The secret first: killed between the two, a new key is made and the first was never used.
    store.write(name(key.publicKey()), key.secret());
    byte[] marker = spelled(store.place(), key.publicKey());
    SecretFiles.writeFile(marker(true), marker);
    SecretFiles.writeFile(marker(false), marker);
    return key;
  }

  /** By key: one keystore may serve several folders. */
  private static String name(byte[] publicKey) {
    return KIND + "-" + Hex.of(Arrays.copyOf(publicKey, 8));
  }

  private File marker(boolean isCopy) {
    return new File(folder, KIND + ".json" + (isCopy ? ".copy" : ""));
  }

  /** By the copy, if the file is damaged. */
  private Marker readMarker() {
    boolean isDamaged = false;
    for (boolean isCopy : new boolean[] {false, true}) {
      byte[] raw = SecretFiles.readFile(marker(isCopy));
      Marker marker = raw == null ? null : parse(raw);
      if (marker != null) {
        return marker;
      }
      isDamaged |= raw != null;
      if (!isDamaged) {
        return null; // the file was removed, for a new key
      }
    }
    throw new SealException(marker(false) + " is damaged; restore it from a backup");
  }

  private static byte[] spelled(String place, byte[] publicKey) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("where", place);
    fields.put("public_key", Hex.of(publicKey));
    return JsonWriter.spaced().write(fields).getBytes(StandardCharsets.US_ASCII);
  }

  private static Marker parse(byte[] raw) {
    try {
      Map<String, Object> fields = Json.parseObject(raw);
      Object place = fields.get("where");
      Object publicKey = fields.get("public_key");
      boolean isKnown = SecretFiles.FILE.equals(place) || "keystore".equals(place);
      if (isKnown && Hex.isHex(publicKey, 2 * Signatures.PUBLIC_KEY_BYTES)) {
        Marker marker = new Marker((String) place, Hex.bytes((String) publicKey));
        return Arrays.equals(spelled(marker.place, marker.publicKey), raw) ? marker : null;
      }
    } catch (JsonException e) {
      return null; // damaged: the caller looks at the copy
    }
    return null;
  }
}
