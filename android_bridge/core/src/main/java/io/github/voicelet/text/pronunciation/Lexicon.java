package io.github.voicelet.text.pronunciation;

import io.github.voicelet.BundleException;
import io.github.voicelet.BundleVersionException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/**
 * Words and their phones, looked up in the bytes of their file as they lie: a binary search over blocks of
 * front-coded words.
 *
 * <p>Safe to share between threads. A mapped buffer isn't copied. The layout, little-endian: "VLEX", u16 version, u16
 * bytes of the symbols, u32 words, u32 words a block, u32 blocks, u32 CRC-32 of all else; the symbols in UTF-8; u32
 * offset of each block and of the end; and in a block for each word u8 bytes shared with the word before, u8 more,
 * those bytes, u8 phones, a byte each.
 */
public final class Lexicon {
  private static final int MAGIC = 0x58454C56;
  private static final int VERSION = 1;
  private static final int HEADER_BYTES = 20;
  private static final int BODY = HEADER_BYTES + 4;
  private static final int MAX_KEY_BYTES = 255;
  private static final String REMEDY = "; install the voice again";

  private final ByteBuffer data;
  private final int base;
  private final int[] offsets;
  private final String symbols;
  private final int words;

  /**
   * @param file the whole file, from its position to its limit.
   * @throws BundleException it isn't a lexicon, is truncated or doesn't match its checksum.
   * @throws BundleVersionException a newer voicelet wrote it.
   */
  public Lexicon(ByteBuffer file) {
    data = file.slice().order(ByteOrder.LITTLE_ENDIAN);
    int size = data.limit();
    if (size < BODY) {
      throw new BundleException("the lexicon is truncated" + REMEDY);
    }
    if (data.getInt(0) != MAGIC) {
      throw new BundleException("not a lexicon file" + REMEDY);
    }
    int version = data.getShort(4) & 0xFFFF;
    if (version != VERSION) {
      throw new BundleVersionException(
          "the lexicon has version " + version + ", this voicelet reads " + VERSION + "; update voicelet");
    }
    int symbolBytes = data.getShort(6) & 0xFFFF;
    long count = data.getInt(8) & 0xFFFFFFFFL;
    long blockWords = data.getInt(12) & 0xFFFFFFFFL;
    long blocks = data.getInt(16) & 0xFFFFFFFFL;
    long start = BODY + symbolBytes + 4 * (blocks + 1);
    if (start > size) {
      throw new BundleException("the lexicon is truncated" + REMEDY);
    }
    if (checksum() != data.getInt(HEADER_BYTES)) {
      throw new BundleException("the lexicon is damaged (checksum)" + REMEDY);
    }
    base = (int) start;
    offsets = new int[(int) blocks + 1];
    long last = 0;
    for (int i = 0; i < offsets.length; i++) {
      long offset = data.getInt(BODY + symbolBytes + 4 * i) & 0xFFFFFFFFL;
      if (offset < last || base + offset > size) {
        throw new BundleException("the lexicon's blocks don't fill the file" + REMEDY);
      }
      offsets[i] = (int) offset;
      last = offset;
    }
    if (base + last != size) {
      throw new BundleException("the lexicon's blocks don't fill the file" + REMEDY);
    }
    if (count > blockWords * blocks) {
      throw new BundleException("the lexicon's blocks can't hold its words" + REMEDY);
    }
    words = (int) count;
    byte[] utf8 = new byte[symbolBytes];
    for (int i = 0; i < symbolBytes; i++) {
      utf8[i] = data.get(BODY + i);
    }
    symbols = new String(utf8, StandardCharsets.UTF_8);
    if (symbols.indexOf('\uFFFD') >= 0) {
      throw new BundleException("the lexicon's symbols aren't UTF-8" + REMEDY);
    }
  }

  private int checksum() {
    CRC32 crc = new CRC32();
    byte[] part = new byte[1 << 16];
    ByteBuffer rest = data.duplicate();
    rest.position(0).limit(HEADER_BYTES);
    update(crc, rest, part);
    rest.limit(data.limit()).position(BODY);
    update(crc, rest, part);
    return (int) crc.getValue();
  }

  private static void update(CRC32 crc, ByteBuffer from, byte[] part) {
    while (from.hasRemaining()) {
      int length = Math.min(part.length, from.remaining());
      from.get(part, 0, length);
      crc.update(part, 0, length);
    }
  }

  /** Every symbol that its phones are written in, beside what marks classes and silent consonants. */
  public String symbols() {
    return symbols;
  }

  /** How many words it knows. */
  public int size() {
    return words;
  }

  /**
   * The phones of a word in lower case, perhaps with a sense ({@code read|past}); null where it isn't known.
   *
   * @throws BundleException a block is damaged.
   */
  public String get(String key) {
    byte[] wanted = key.getBytes(StandardCharsets.UTF_8);
    int low = 0;
    int high = offsets.length - 1;
    if (high == 0 || wanted.length > MAX_KEY_BYTES) {
      return null;
    }
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (compareFirst(middle, wanted) <= 0) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return find(low, wanted);
  }

  /** How the first word of a block stands to another. */
  private int compareFirst(int block, byte[] other) {
    int start = base + offsets[block];
    int length = data.get(start + 1) & 0xFF;
    for (int i = 0; i < Math.min(length, other.length); i++) {
      int order = (data.get(start + 2 + i) & 0xFF) - (other[i] & 0xFF);
      if (order != 0) {
        return order;
      }
    }
    return length - other.length;
  }

  private String find(int block, byte[] wanted) {
    int at = base + offsets[block];
    int end = base + offsets[block + 1];
    byte[] key = new byte[2 * MAX_KEY_BYTES];
    int length = 0;
    while (at < end) {
      int shared = data.get(at) & 0xFF;
      int more = at + 1 < end ? data.get(at + 1) & 0xFF : end;
      int phones = at + 2 + more;
      int count = phones < end ? data.get(phones) & 0xFF : end;
      if (shared > length || phones + 1 + count > end || shared + more > key.length) {
        throw new BundleException("a block of the lexicon is damaged" + REMEDY);
      }
      for (int i = 0; i < more; i++) {
        key[shared + i] = data.get(at + 2 + i);
      }
      length = shared + more;
      int order = compare(key, length, wanted);
      if (order >= 0) {
        return order == 0 ? decoded(phones + 1, count) : null;
      }
      at = phones + 1 + count;
    }
    return null;
  }

  private static int compare(byte[] key, int length, byte[] wanted) {
    for (int i = 0; i < Math.min(length, wanted.length); i++) {
      int order = (key[i] & 0xFF) - (wanted[i] & 0xFF);
      if (order != 0) {
        return order;
      }
    }
    return length - wanted.length;
  }

  private String decoded(int at, int count) {
    char[] phones = new char[count];
    for (int i = 0; i < count; i++) {
      int symbol = data.get(at + i) & 0xFF;
      if (symbol >= symbols.length()) {
        throw new BundleException("the lexicon holds an unknown phone" + REMEDY);
      }
      phones[i] = symbols.charAt(symbol);
    }
    return new String(phones);
  }
}
