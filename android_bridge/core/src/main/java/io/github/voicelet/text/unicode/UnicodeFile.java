package io.github.voicelet.text.unicode;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;

/** Reads the tables that {@code tools/make_unicode.py} writes. */
final class UnicodeFile {
  private final byte[] bytes;
  private int at;

  /** Opens one of them by name. */
  UnicodeFile(String name) {
    try (InputStream in = UnicodeFile.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException(name + " is missing from the jar; build voicelet-core again");
      }
      ByteArrayOutputStream out = new ByteArrayOutputStream(1 << 16);
      byte[] buffer = new byte[8192];
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        out.write(buffer, 0, count);
      }
      bytes = out.toByteArray();
    } catch (IOException e) {
      throw new IllegalStateException(name + " can't be read; build voicelet-core again", e);
    }
  }

  boolean hasMore() {
    return at < bytes.length;
  }

  int oneByte() {
    return bytes[at++] & 0xFF;
  }

  int integer() {
    int value = 0;
    for (int shift = 0; ; shift += 7) {
      int next = bytes[at++];
      value |= (next & 0x7F) << shift;
      if (next >= 0) {
        return value;
      }
    }
  }

  /** A length and code points. */
  int[] codes() {
    int[] codes = new int[integer()];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = integer();
    }
    return codes;
  }

  /** A string of so many ASCII characters. */
  String ascii(int length) {
    StringBuilder out = new StringBuilder(length);
    for (int i = 0; i < length; i++) {
      out.append((char) oneByte());
    }
    return out.toString();
  }
}
