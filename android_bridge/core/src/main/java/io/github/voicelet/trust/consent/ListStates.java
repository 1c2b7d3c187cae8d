package io.github.voicelet.trust.consent;

import io.github.voicelet.ConfigException;
import io.github.voicelet.ConsentException;
import io.github.voicelet.SealException;
import io.github.voicelet.config.Fields;
import io.github.voicelet.files.OwnFiles;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.json.JsonWriter;
import io.github.voicelet.trust.keys.Hex;
import io.github.voicelet.trust.keys.SecretFiles;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What is kept of the list of withdrawn consents apart from it, so that its loss is noticed: its state, twice, and a copy. */
final class ListStates {
  private final File state;
  private final File stateCopy;
  private final File listCopy;

  /** What was read. */
  static final class Kept {
    final List<ListState> states = new ArrayList<>();
    /** How far the audit log was read, as Python keeps it; unused here, and kept. */
    String position = "";
  }

  /** In the folder of the device's keys. */
  ListStates(File folder) {
    state = new File(folder, "revocations.json");
    stateCopy = new File(folder, "revocations.json.copy");
    listCopy = new File(folder, "revocations.jsonl");
  }

  /**
   * The states that are sound.
   *
   * @throws ConsentException there are some, and none is sound.
   */
  Kept read() {
    Kept kept = new Kept();
    boolean isDamaged = false;
    for (File file : new File[] {state, stateCopy}) {
      try {
        byte[] raw = SecretFiles.readFile(file);
        if (raw != null) {
          parse(raw, kept);
        }
      } catch (SealException | JsonException | ConfigException | IllegalArgumentException e) {
        isDamaged = true;
      }
    }
    if (isDamaged && kept.states.isEmpty()) {
      throw new ConsentException(state + " is damaged, and so is its copy");
    }
    return kept;
  }

  /** The bytes of the first state as they are; null where there is none, or they can't be read. */
  byte[] fingerprint() {
    try {
      return SecretFiles.readFile(state);
    } catch (SealException e) {
      return null;
    }
  }

  /** The copy of the list; empty where there is none. */
  byte[] readCopy() {
    try {
      byte[] raw = OwnFiles.readIfThere(listCopy, RevocationChain.MAX_BYTES + 1);
      return raw == null ? new byte[0] : raw;
    } catch (IOException e) {
      return new byte[0];
    }
  }

  /**
   * Keep the state of a list that is on the disk already, and a copy of it.
   *
   * @throws SealException it can't be kept.
   */
  void write(RevocationChain chain, String position) {
    byte[] spelled = spelled(chain.state(), position);
    // The copy before the state that it is to stand up to; the list itself came first.
    if (!chain.entries().isEmpty()) {
      SecretFiles.writeFile(listCopy, chain.raw());
    }
    SecretFiles.writeFile(state, spelled);
    SecretFiles.writeFile(stateCopy, spelled);
  }

  private static void parse(byte[] raw, Kept kept) {
    Map<String, Object> stored = Json.parseObject(TrustedSigners.ascii(raw));
    Map<String, Object> fields = Json.object(stored.get("fields"), "fields");
    Fields row = new Fields(fields.get("state"), "state", "count", "sha256");
    ListState state = new ListState((int) row.whole("count", 0, Integer.MAX_VALUE), row.text("sha256"));
    String position = new Fields(fields, "fields", "audit", "state", "version").text("audit");
    if (!Arrays.equals(spelled(state, position), raw)) {
      throw new JsonException("not spelled as it was written");
    }
    kept.states.add(state);
    kept.position = position;
  }

  private static byte[] spelled(ListState state, String position) {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("count", state.count());
    row.put("sha256", state.sha256());
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("audit", position);
    fields.put("state", row);
    fields.put("version", 1L);
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("fields", fields);
    // Against damage; whoever can write here could take the file away as well.
    all.put("sha256", Hex.sha256("voicelet revocations\n" + JsonWriter.spaced().write(fields)));
    return JsonWriter.spaced().write(all).getBytes(StandardCharsets.US_ASCII);
  }
}
