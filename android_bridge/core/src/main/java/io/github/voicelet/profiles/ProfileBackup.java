package io.github.voicelet.profiles;

import io.github.voicelet.ProfileException;
import io.github.voicelet.ProfileLockedException;
import io.github.voicelet.files.OwnFiles;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import io.github.voicelet.json.JsonWriter;
import io.github.voicelet.profiles.vault.Vault;
import io.github.voicelet.trust.keys.Hex;
import io.github.voicelet.trust.seal.Aead;
import io.github.voicelet.trust.seal.Base64Text;
import io.github.voicelet.trust.seal.Passphrases;
import io.github.voicelet.trust.seal.SealingKey;
import io.github.voicelet.trust.seal.Stretch;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.text.SimpleDateFormat;
import java.util.Arrays;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;

/**
 * A profile in one file, under a passphrase, that opens on any device of its owner.
 *
 * <pre>
 * "VCLB" · version uint16 · flags uint16 · header length uint32 · body length uint32
 * header (UTF-8 JSON) · body · SHA-256 of everything before it
 * </pre>
 *
 * <p>in little-endian order. The body is the profile as {@link ProfileTransfer} seals it, for a key made for this one file; the
 * header holds that key, encrypted under one stretched from the passphrase and bound to the rest of the header and the body.
 */
public final class ProfileBackup {
  private static final byte[] MAGIC = "VCLB".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] PURPOSE = "voicelet backup: wrap keys 1".getBytes(StandardCharsets.US_ASCII);
  private static final int VERSION = 1;
  private static final int PREFIX_BYTES = 16;
  private static final int MAX_HEADER_BYTES = 4096;
  private static final int DIGEST_BYTES = 32;
  private static final int MAX_BYTES =
      PREFIX_BYTES + MAX_HEADER_BYTES + ProfileTransfer.MAX_BYTES + DIGEST_BYTES;
  private static final String REMEDY = "; copy it again, or use another backup";

  private final String created;
  private final Stretch stretch;
  private final String wrapped;
  private final byte[] body;

  private ProfileBackup(String created, Stretch stretch, String wrapped, byte[] body) {
    this.created = created;
    this.stretch = stretch;
    this.wrapped = wrapped;
    this.body = body;
  }

  /**
   * A profile, with its consent and what was adapted, as a file for its owner to keep.
   *
   * @param passphrase opens it, on any device; nothing else does.
   * @throws io.github.voicelet.ConfigException the passphrase is a weak one.
   * @throws io.github.voicelet.ConsentException its owner's consent is missing, not genuine, or has ended.
   */
  public static byte[] of(Vault vault, String name, String passphrase, TransferRules rules) {
    Passphrases.checkStrength(passphrase);
    SealingKey key = SealingKey.make(false); // whatever the other device can do
    byte[] body = ProfileTransfer.export(vault, name, key.publicBytes(), rules);
    ProfileBackup bare = new ProfileBackup(now(), Stretch.ofBackup(), "", body);
    byte[] cipherKey = Aead.subkey(bare.stretch.key(passphrase), PURPOSE);
    String box = Base64Text.of(Aead.box(cipherKey, key.privateBytes(), bare.place()));
    return new ProfileBackup(bare.created, bare.stretch, box, body).toBytes();
  }

  private static String now() {
    SimpleDateFormat format = new SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'Z'", Locale.ROOT);
    format.setTimeZone(TimeZone.getTimeZone("UTC"));
    return format.format(new Date());
  }

  /**
   * Write a backup to a file, whole or not at all, for its owner only.
   *
   * @param replaces whether a file that is there already may be replaced.
   * @throws ProfileException there is a file already, or it can't be written; no backup was made.
   */
  public static void writeFile(File file, byte[] backup, boolean replaces) {
    if (!replaces && file.exists()) {
      throw new ProfileException(file + ": there is a file already; name another one");
    }
    try {
      OwnFiles.write(file, backup);
    } catch (IOException e) {
      throw new ProfileException(file + ": " + e.getMessage() + "; no backup was made: make room, or name another place", e);
    }
  }

  /**
   * The bytes of a backup file.
   *
   * @throws ProfileException it can't be read, or is far too large.
   */
  public static byte[] readFile(File file) {
    try {
      return OwnFiles.readRegular(file, MAX_BYTES);
    } catch (IOException e) {
      throw new ProfileException(file + ": " + e.getMessage() + "; is it the right file?", e);
    }
  }

  /**
   * Read a backup; nothing of it is proven before {@link #open}.
   *
   * @throws ProfileException not a backup, damaged or of a newer voicelet.
   */
  public static ProfileBackup read(byte[] data) {
    if (data.length < PREFIX_BYTES || !Arrays.equals(Arrays.copyOf(data, MAGIC.length), MAGIC)) {
      throw new ProfileException("this is no backup of a profile; is it the right file?");
    }
    ByteBuffer in = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    if (in.getShort(4) != VERSION || in.getShort(6) != 0) {
      throw new ProfileException("the backup is of another version than this voicelet reads; update voicelet");
    }
    long headerSize = in.getInt(8) & 0xFFFFFFFFL;
    long bodySize = in.getInt(12) & 0xFFFFFFFFL;
    int end = data.length - DIGEST_BYTES;
    boolean fits = headerSize <= MAX_HEADER_BYTES && data.length <= MAX_BYTES;
    fits = fits && end == PREFIX_BYTES + headerSize + bodySize;
    if (!fits
        || !MessageDigest.isEqual(
            Hex.sha256Digest().digest(Arrays.copyOf(data, end)), Arrays.copyOfRange(data, end, data.length))) {
      throw new ProfileException("the backup is damaged or cut short" + REMEDY);
    }
    int start = PREFIX_BYTES + (int) headerSize;
    byte[] text = Arrays.copyOfRange(data, PREFIX_BYTES, start);
    try {
      Map<String, Object> header = Json.parseObject(text);
      ProfileBackup backup =
          new ProfileBackup(
              Fields.text(header, "created"),
              Stretch.read(Json.object(Fields.of(header, "stretch"), "stretch")),
              Fields.text(header, "wrapped"),
              Arrays.copyOfRange(data, start, end));
      if (!Arrays.equals(backup.spelled(), text)) {
        throw new JsonException("not in our spelling");
      }
      return backup;
    } catch (JsonException e) {
      throw new ProfileException("the backup's header is damaged" + REMEDY);
    }
  }

  /** When it was made, ISO 8601 in UTC; proven once it is opened. */
  public String created() {
    return created;
  }

  /** The sealed profile, for {@link ProfileTransfer}. */
  public byte[] sealed() {
    return body.clone();
  }

  /**
   * The key that opens the sealed profile.
   *
   * @throws ProfileLockedException the passphrase is another one.
   */
  public SealingKey open(String passphrase) {
    byte[] box = Base64Text.bytes(wrapped);
    byte[] key = box == null ? null : Aead.open(Aead.subkey(stretch.key(passphrase), PURPOSE), box, place());
    if (key == null) {
      throw new ProfileLockedException(
          "wrong passphrase; the backup stays locked (it is the one given when the backup was made, not that of the profiles"
              + " here)");
    }
    return new SealingKey(key);
  }

  /**
   * Open a backup and save its profile, as one that is imported.
   *
   * @param name what to call it here; null for what it was called.
   * @param replaces whether a profile of that name may be replaced.
   * @throws ProfileLockedException the passphrase is another one.
   * @throws ProfileException not a backup, damaged or of a newer voicelet; or as {@link ProfileTransfer#importTo}.
   * @throws io.github.voicelet.ConsentException its consent is missing, not genuine, or doesn't count here.
   */
  public static Profile restore(
      Vault vault, byte[] data, String passphrase, String name, boolean replaces, TransferRules rules) {
    ProfileBackup backup = read(data);
    Profile profile = ProfileTransfer.arrived(backup.body, backup.open(passphrase));
    return ProfileTransfer.save(vault, profile, backup.created, name, replaces, rules);
  }

  private byte[] toBytes() {
    byte[] text = spelled();
    int end = PREFIX_BYTES + text.length + body.length;
    ByteBuffer out = ByteBuffer.allocate(end + DIGEST_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.put(MAGIC).putShort((short) VERSION).putShort((short) 0).putInt(text.length).putInt(body.length);
    out.put(text).put(body);
    out.put(Hex.sha256Digest().digest(Arrays.copyOf(out.array(), end)));
    return out.array();
  }

  private byte[] spelled() {
    Map<String, Object> header = new LinkedHashMap<>();
    header.put("created", created);
    header.put("stretch", stretch.toJson());
    header.put("wrapped", wrapped);
    return JsonWriter.spaced().sortedKeys().write(header).getBytes(StandardCharsets.US_ASCII);
  }

  /** What the wrapped key is bound to, so that no byte can be exchanged for another file's. */
  private byte[] place() {
    Object[] fields = {"voicelet backup 1", VERSION, created, stretch.toJson(), Hex.sha256(body)};
    return JsonWriter.spaced().sortedKeys().write(Arrays.asList(fields)).getBytes(StandardCharsets.US_ASCII);
  }
}
