package io.github.voicelet.profiles.vault;

import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.trust.keys.Hex;
import io.github.voicelet.trust.seal.Stretch;
import java.util.LinkedHashMap;
import java.util.Map;

/** One key of a vault: how it is kept. */
final class Slot {
  static final String KEYSTORE = "keystore";
  static final String FILE = "file";
  static final String PASSPHRASE = "passphrase";
  static final String PLAIN = "plain";
  static final String WRAPPED = "wrapped";

  private static final int ID_DIGITS = 16;

  final String id;
  final String where;

  /** How the passphrase is stretched; null for keys that have none. */
  final Stretch stretch;

  /** The key, encrypted under the passphrase's or another key, in base64; "" for keys outside. */
  final String wrapped;

  Slot(String id, String where, Stretch stretch, String wrapped) {
    boolean isKnown =
        KEYSTORE.equals(where)
            || FILE.equals(where)
            || PASSPHRASE.equals(where)
            || PLAIN.equals(where)
            || WRAPPED.equals(where);
    if (!isKnown || !Hex.isHex(id, ID_DIGITS)) {
      throw new JsonException("a key that can't be");
    }
    if ((stretch != null) != PASSPHRASE.equals(where)) {
      throw new JsonException("a passphrase needs its settings");
    }
    this.id = id;
    this.where = where;
    this.stretch = stretch;
    this.wrapped = wrapped;
  }

  static Slot read(Map<String, Object> json) {
    Object stretch = json.get("stretch");
    Object id = json.get("id");
    Object where = json.get("where");
    Object wrapped = json.get("wrapped");
    if (json.size() != 4 || !(id instanceof String) || !(where instanceof String) || !(wrapped instanceof String)) {
      throw new JsonException("a key that can't be");
    }
    Stretch read = stretch == null ? null : Stretch.read(Json.object(stretch, "stretch"));
    return new Slot((String) id, (String) where, read, (String) wrapped);
  }

  Map<String, Object> toJson() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", id);
    json.put("where", where);
    json.put("stretch", stretch == null ? null : stretch.toJson());
    json.put("wrapped", wrapped);
    return json;
  }

  boolean isOutside() {
    return KEYSTORE.equals(where) || FILE.equals(where);
  }
}
