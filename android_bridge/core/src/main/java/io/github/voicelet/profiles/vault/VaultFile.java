package io.github.voicelet.profiles.vault;

import io.github.voicelet.ProfileException;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.json.JsonWriter;
import io.github.voicelet.trust.seal.Aead;
import io.github.voicelet.trust.seal.Base64Text;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A file that holds one encrypted profile.
 *
 * <pre>
 * "VCLV" · version uint16 · flags uint16 · header length uint32 · body length uint32
 * header (UTF-8 JSON) · nonce [12] · ChaCha20-Poly1305 of the profile
 * </pre>
 *
 * <p>in little-endian order. Everything before the nonce is the cipher's associated data. The header names the vault, its key,
 * the profile and its generation, says whether its consent was withdrawn, and holds the file's own data key, random and used
 * once, encrypted under the vault's key and bound to these four.
 */
final class VaultFile {
  private static final byte[] MAGIC = "VCLV".getBytes(StandardCharsets.US_ASCII);
  private static final int VERSION = 1;
  private static final int PREFIX_BYTES = 16;
  private static final int MAX_HEADER_BYTES = 4096;
  private static final long MAX_GENERATION = 1L << 53;
  private static final String WRAP = "voicelet data key 1";
  private static final byte[] PURPOSE = "voicelet vault key: wrap data keys 1".getBytes(StandardCharsets.US_ASCII);

  /** Which vault it belongs to, which of its keys wraps the data key, and the profile's name. */
  final String vault;

  final String key;
  final String name;

  /** Higher than that of any file this one replaced. */
  final long generation;

  /** The id of the profile's consent record, if that was withdrawn on this device; else "". */
  final String revoked;

  private final String wrapped;
  private final int start;
  private final byte[] data;

  private VaultFile(Map<String, Object> header, int start, byte[] data) {
    vault = text(header, "vault");
    key = text(header, "key");
    name = text(header, "name");
    wrapped = text(header, "wrapped");
    revoked = header.containsKey("revoked") ? text(header, "revoked") : "";
    Object number = header.get("generation");
    if (!(number instanceof Long) || (Long) number <= 0 || (Long) number >= MAX_GENERATION) {
      throw new JsonException("an impossible generation");
    }
    generation = (Long) number;
    this.start = start;
    this.data = data;
    if (!Arrays.equals(spelled(), Arrays.copyOfRange(data, PREFIX_BYTES, start))) {
      throw new JsonException("not in our spelling");
    }
  }

  private static String text(Map<String, Object> header, String key) {
    if (!(header.get(key) instanceof String)) {
      throw new JsonException(key + " is no text");
    }
    return (String) header.get(key);
  }

  private byte[] spelled() {
    return spelled(vault, key, name, generation, wrapped, revoked);
  }

  private static byte[] spelled(
      String vault, String key, String name, long generation, String wrapped, String revoked) {
    Map<String, Object> header = new LinkedHashMap<>();
    header.put("vault", vault);
    header.put("key", key);
    header.put("name", name);
    header.put("generation", generation);
    header.put("wrapped", wrapped);
    if (!revoked.isEmpty()) { // else as older versions wrote it, and read it
      header.put("revoked", revoked);
    }
    return JsonWriter.spaced().sortedKeys().write(header).getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] place(String vault, String key, String name, long generation) {
    String text = WRAP + JsonWriter.spaced().write(Arrays.<Object>asList(vault, key, name, generation));
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** Whether this claims to be an encrypted profile. */
  static boolean isEncrypted(byte[] data) {
    return data != null && data.length >= 4 && Arrays.equals(Arrays.copyOf(data, 4), MAGIC);
  }

  /** Encrypt a profile under the vault's key. */
  static byte[] pack(byte[] plain, byte[] key, Slot slot, String vault, String name, long generation, String revoked) {
    byte[] dataKey = Aead.random(Aead.KEY_BYTES);
    byte[] box = Aead.box(Aead.subkey(key, PURPOSE), dataKey, place(vault, slot.id, name, generation));
    byte[] text = spelled(vault, slot.id, name, generation, Base64Text.of(box), revoked);
    ByteBuffer start = ByteBuffer.allocate(PREFIX_BYTES + text.length).order(ByteOrder.LITTLE_ENDIAN);
    start.put(MAGIC).putShort((short) VERSION).putShort((short) 0).putInt(text.length);
    start.putInt(Aead.NONCE_BYTES + plain.length + Aead.TAG_BYTES).put(text);
    byte[] body = Aead.box(dataKey, plain, start.array());
    byte[] data = Arrays.copyOf(start.array(), start.capacity() + body.length);
    System.arraycopy(body, 0, data, start.capacity(), body.length);
    return data;
  }

  /**
   * Read a file's header; nothing of it is proven before {@link #open}.
   *
   * @throws ProfileException it isn't an encrypted profile, is cut short, or from a newer voicelet.
   */
  static VaultFile read(byte[] data) {
    if (data.length < PREFIX_BYTES || !isEncrypted(data)) {
      throw new ProfileException("this is no encrypted profile, or the beginning of one");
    }
    ByteBuffer in = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    if (in.getShort(4) != VERSION || in.getShort(6) != 0) {
      throw new ProfileException("the file is of another version than this voicelet reads; update voicelet, or it is damaged");
    }
    long header = in.getInt(8) & 0xFFFFFFFFL;
    long body = in.getInt(12) & 0xFFFFFFFFL;
    boolean fits = header <= MAX_HEADER_BYTES && body >= Aead.NONCE_BYTES + Aead.TAG_BYTES;
    if (!fits || data.length != PREFIX_BYTES + header + body) {
      throw new ProfileException("the profile is cut short or has grown");
    }
    int start = PREFIX_BYTES + (int) header;
    try {
      return new VaultFile(Json.parseObject(Arrays.copyOfRange(data, PREFIX_BYTES, start)), start, data);
    } catch (JsonException e) {
      // Not as the cause: what a parser says of a damaged file may quote it.
      throw new ProfileException("the profile's header is damaged");
    }
  }

  /**
   * The profile.
   *
   * @throws ProfileException any byte was changed, or the key is another one.
   */
  byte[] open(byte[] vaultKey) {
    byte[] box = Base64Text.bytes(wrapped);
    byte[] dataKey =
        box == null ? null : Aead.open(Aead.subkey(vaultKey, PURPOSE), box, place(vault, key, name, generation));
    byte[] plain = null;
    if (dataKey != null && dataKey.length == Aead.KEY_BYTES) {
      plain = Aead.open(dataKey, Arrays.copyOfRange(data, start, data.length), Arrays.copyOf(data, start));
    }
    if (plain == null) {
      throw new ProfileException("the profile was changed or damaged, or its header is another file's");
    }
    return plain;
  }
}
