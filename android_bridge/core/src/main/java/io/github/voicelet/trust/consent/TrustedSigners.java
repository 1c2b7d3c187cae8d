package io.github.voicelet.trust.consent;

import io.github.voicelet.ConfigException;
import io.github.voicelet.ConsentException;
import io.github.voicelet.files.FolderLock;
import io.github.voicelet.files.OwnFiles;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.json.JsonWriter;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Whose signatures under consent records count on this device.
 *
 * <p>A record proves who signed it, and anybody can make a key. So a record that this device's own key didn't sign speaks only if
 * its signer is on this list, and for no more than the signer's entry says. The list isn't signed: whoever can change it could
 * put anybody on it. A missing file is an empty list. Threads and processes may share one.
 */
public final class TrustedSigners {
  private static final int MAX_BYTES = 1 << 20;
  private static final long VERSION = 1;

  private final File file;

  /** Of one file. */
  public TrustedSigners(File file) {
    this.file = file;
  }

  /**
   * Count a signer's records from now on; replaces an earlier entry of that key.
   *
   * @param key 64 hexadecimal digits; capitals, spaces and colons are forgiven.
   * @param purposes by default the speaker's own use: {@link Purposes#BY_STATEMENT}.
   * @param nowS seconds since 1970.
   * @throws ConsentException it is no key, a value is impossible, or the list can't be read or written.
   */
  public TrustedSigner trust(String key, String name, Collection<String> purposes, long nowS) {
    TrustedSigner signer =
        new TrustedSigner(TrustedSigner.checkKey(key), name, purposes, UtcTime.format(nowS));
    change(signer.key(), signer);
    return signer;
  }

  /**
   * Take a signer off the list: what they signed stops speaking here, at once.
   *
   * @throws ConsentException they aren't on it, or it can't be read or written.
   */
  public void untrust(String key) {
    String plain = TrustedSigner.checkKey(key);
    if (get(plain) == null) {
      throw new ConsentException(plain + " isn't trusted here; look at the list of signers");
    }
    change(plain, null);
  }

  /**
   * The entry of a key.
   *
   * @return null where there is none.
   * @throws ConsentException the list is damaged.
   */
  public TrustedSigner get(String key) {
    return read().get(key);
  }

  /**
   * All of them, in the order in which they were trusted.
   *
   * @throws ConsentException the list is damaged.
   */
  public List<TrustedSigner> entries() {
    List<TrustedSigner> all = new ArrayList<>(read().values());
    all.sort(Comparator.comparing(TrustedSigner::added).thenComparing(TrustedSigner::key));
    return all;
  }

  private void change(String key, TrustedSigner signer) {
    try {
      OwnFiles.makePrivateFolder(file.getAbsoluteFile().getParentFile());
      FolderLock lock = FolderLock.of(new File(file.getPath() + ".lock"));
      try {
        Map<String, TrustedSigner> all = read();
        if (signer == null) {
          all.remove(key);
        } else {
          all.put(key, signer); // in its old place, if it has one
        }
        List<Object> rows = new ArrayList<>();
        for (TrustedSigner one : all.values()) {
          rows.add(one.fields());
        }
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("version", VERSION);
        data.put("signers", rows);
        String text = JsonWriter.indented(1).sortedKeys().write(data);
        OwnFiles.write(file, text.getBytes(StandardCharsets.US_ASCII));
      } finally {
        lock.close();
      }
    } catch (IOException e) {
      throw new ConsentException(file + ": " + e.getMessage() + "; nothing was changed", e);
    }
  }

  private Map<String, TrustedSigner> read() {
    byte[] raw;
    try {
      raw = OwnFiles.readIfThere(file, MAX_BYTES);
    } catch (IOException e) {
      throw new ConsentException(file + ", the list of trusted signers: " + e.getMessage(), e);
    }
    Map<String, TrustedSigner> all = new LinkedHashMap<>();
    if (raw == null) {
      return all;
    }
    try {
      Map<String, Object> data = Json.parseObject(ascii(raw));
      if (!Long.valueOf(VERSION).equals(data.get("version"))) {
        throw new JsonException("of another version");
      }
      for (Object row : Json.array(data.get("signers"), "signers")) {
        TrustedSigner signer = TrustedSigner.of(row);
        all.put(signer.key(), signer);
      }
      return all;
    } catch (JsonException | ConfigException | ConsentException e) {
      throw new ConsentException(
          file
              + ", the list of trusted signers, is damaged ("
              + e.getMessage()
              + "); restore it from a backup, or remove it and trust them again",
          e);
    }
  }

  /** The bytes, if they are ASCII. */
  static byte[] ascii(byte[] raw) {
    for (byte b : raw) {
      if (b < 0) {
        throw new JsonException("not ASCII");
      }
    }
    return raw;
  }
}
