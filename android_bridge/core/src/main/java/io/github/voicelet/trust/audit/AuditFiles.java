package io.github.voicelet.trust.audit;

import io.github.voicelet.AuditException;
import io.github.voicelet.files.OwnFiles;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The files of an audit log: numbered, appended to, and read line by line with bounded memory. */
final class AuditFiles {
  private static final Pattern NAME = Pattern.compile("audit-([0-9]{6})\\.jsonl");

  private AuditFiles() {}

  /** {@code audit-000001.jsonl}, … */
  static File file(File folder, int number) {
    return new File(folder, String.format(Locale.ROOT, "audit-%06d.jsonl", number));
  }

  /** Which files there are, in order. */
  static List<Integer> numbers(File folder) throws IOException {
    List<Integer> found = new ArrayList<>();
    String[] names = folder.list();
    if (names == null) {
      if (folder.exists()) {
        throw new IOException("the folder can't be read");
      }
      return found;
    }
    for (String name : names) {
      Matcher match = NAME.matcher(name);
      if (match.matches()) {
        found.add(Integer.valueOf(match.group(1)));
      }
    }
    Collections.sort(found);
    return found;
  }

  /** The head; null where there is none. */
  static AuditHead readHead(File file) throws IOException {
    byte[] data = OwnFiles.readIfThere(file, AuditRecord.MAX_LINE_BYTES + 1);
    return data == null ? null : AuditHead.parse(data);
  }

  /** Add to the end of a file, synced; where the disk is full, the file is as it was. */
  static void append(File file, byte[] data) throws IOException {
    OwnFiles.refuseLink(file);
    if (file.exists() && !file.isFile()) {
      throw new IOException(file + " is no file; remove it");
    }
    try (RandomAccessFile opened = new RandomAccessFile(file, "rw")) {
      long before = opened.length();
      boolean isWritten = false;
      try {
        opened.seek(before);
        opened.write(data);
        opened.getFD().sync();
        isWritten = true;
      } finally {
        if (!isWritten) {
          opened.setLength(before);
        }
      }
    }
  }

  /** Shorten a file, synced. */
  static void cut(File file, long bytes) throws IOException {
    OwnFiles.refuseLink(file);
    try (RandomAccessFile opened = new RandomAccessFile(file, "rw")) {
      opened.setLength(bytes);
      opened.getFD().sync();
    }
  }

  /** The last line of the log that is a record at all; null where there is none. */
  static AuditRecord lastRecord(File folder) throws IOException {
    List<Integer> numbers = numbers(folder);
    Collections.reverse(numbers);
    for (int number : numbers) {
      AuditRecord last = null;
      try (Lines lines = new Lines(file(folder, number), 0)) {
        while (lines.next()) {
          AuditRecord record = recordOrNull(lines.line);
          last = record == null ? last : record;
        }
      }
      if (last != null) {
        return last;
      }
    }
    return null;
  }

  static AuditRecord recordOrNull(byte[] line) {
    try {
      return AuditRecord.parse(line);
    } catch (AuditException e) {
      return null;
    }
  }

  /** Lines of a file; one longer than any record comes in pieces, none of which is one. */
  static final class Lines implements Closeable {
    private final InputStream in;

    /** Without its end. */
    byte[] line;

    /** Whether it had an end. */
    boolean isWhole;

    Lines(File file, long start) throws IOException {
      OwnFiles.refuseLink(file);
      in = new BufferedInputStream(OwnFiles.openRegular(file));
      for (long left = start; left > 0; ) {
        long skipped = in.skip(left);
        if (skipped <= 0) {
          break; // the file has become shorter
        }
        left -= skipped;
      }
    }

    /** Read the next one; false where there is none. */
    boolean next() throws IOException {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      isWhole = false;
      while (!isWhole && out.size() <= AuditRecord.MAX_LINE_BYTES) {
        int b = in.read();
        if (b < 0) {
          break;
        }
        isWhole = b == '\n';
        if (!isWhole) {
          out.write(b);
        }
      }
      line = out.toByteArray();
      return isWhole || line.length > 0;
    }

    int size() {
      return line.length + (isWhole ? 1 : 0);
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}
