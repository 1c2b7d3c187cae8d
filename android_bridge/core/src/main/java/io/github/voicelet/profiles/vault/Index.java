package io.github.voicelet.profiles.vault;

import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The newest generation of each profile, by file; and what the vault knows of withdrawn consents. */
final class Index {
  private static final String COUNTER = "counter";
  private static final String ENTRIES = "entries";
  private static final String REVOCATIONS = "revocations";
  private static final String REVOKED = "revoked";

  /** Of one profile: the newest file's generation and SHA-256; or that it was erased. */
  static final class Entry {
    final long generation;
    final String sha256;
    final boolean isErased;

    /** Ids of earlier consent records of the same speaker that the file held. */
    final List<String> consents;

    Entry(long generation, String sha256, boolean isErased, List<String> consents) {
      this.generation = generation;
      this.sha256 = sha256;
      this.isErased = isErased;
      this.consents = consents;
    }
  }

  long counter;
  final Map<String, Entry> entries = new TreeMap<>();

  /** The state of the device's list of withdrawn consents when it was last compared; null before that. */
  private Map<String, Object> revocations;

  private List<String> revoked = Collections.emptyList();

  /** The newest ids on that list. */
  List<String> revoked() {
    return revoked;
  }

  static Index read(Object json) {
    Map<String, Object> fields = Json.object(json, "the index");
    if (!Arrays.asList(COUNTER, ENTRIES, REVOCATIONS, REVOKED).containsAll(fields.keySet())) {
      throw new JsonException("an unknown key");
    }
    Index index = new Index();
    index.counter = fields.containsKey(COUNTER) ? whole(fields.get(COUNTER)) : 0;
    if (fields.containsKey(ENTRIES)) {
      for (Map.Entry<String, Object> entry : Json.object(fields.get(ENTRIES), ENTRIES).entrySet()) {
        index.entries.put(entry.getKey(), entry(Json.object(entry.getValue(), "an entry")));
      }
    }
    if (fields.get(REVOCATIONS) != null) {
      index.revocations = Json.object(fields.get(REVOCATIONS), REVOCATIONS);
    }
    index.revoked = texts(fields.get(REVOKED));
    return index;
  }

  private static Entry entry(Map<String, Object> fields) {
    if (!Arrays.asList("generation", "sha256", "erased", "consents").containsAll(fields.keySet())
        || !(fields.get("sha256") instanceof String)) {
      throw new JsonException("an entry that can't be");
    }
    boolean isErased = Boolean.TRUE.equals(fields.get("erased"));
    return new Entry(
        whole(fields.get("generation")), (String) fields.get("sha256"), isErased, texts(fields.get("consents")));
  }

  private static long whole(Object value) {
    if (!(value instanceof Long)) {
      throw new JsonException("not a whole number");
    }
    return (Long) value;
  }

  private static List<String> texts(Object list) {
    List<String> out = new ArrayList<>();
    for (Object text : list == null ? Collections.emptyList() : Json.array(list, "ids")) {
      if (!(text instanceof String)) {
        throw new JsonException("an id that is no text");
      }
      out.add((String) text);
    }
    return out;
  }

  /** As it is stored; what says nothing is left out, which is the form of older versions. */
  Map<String, Object> toJson() {
    Map<String, Object> files = new LinkedHashMap<>();
    for (Map.Entry<String, Entry> each : entries.entrySet()) {
      Entry entry = each.getValue();
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("generation", entry.generation);
      fields.put("sha256", entry.sha256);
      fields.put("erased", entry.isErased);
      if (!entry.consents.isEmpty()) {
        fields.put("consents", entry.consents);
      }
      files.put(each.getKey(), fields);
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put(COUNTER, counter);
    json.put(ENTRIES, files);
    if (revocations != null) {
      json.put(REVOCATIONS, revocations);
      json.put(REVOKED, revoked);
    }
    return json;
  }
}
