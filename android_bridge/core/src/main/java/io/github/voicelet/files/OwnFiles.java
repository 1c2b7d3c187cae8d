package io.github.voicelet.files;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Locale;

/**
 * Reads and writes files of voicelet's own.
 *
 * <p>Android has {@code java.nio.file} from API 26 on only, so links are found by comparing canonical paths: whoever may plant
 * one inside the app's private folder between that look and the opening could read what is there as well.
 */
public final class OwnFiles {
  private static final int BLOCK_BYTES = 1 << 16;
  private static final long ABANDONED_MS = 3600_000L;
  private static final String TEMPORARY = "\\.voicelet-[0-9a-f]{16}\\.part";
  private static final SecureRandom RANDOM = new SecureRandom();

  private OwnFiles() {}

  /**
   * A file's bytes.
   *
   * @param limitBytes more are no file of ours.
   * @return null where there is none.
   * @throws IOException it can't be read, is longer than that, or is a link, a pipe, a folder or the like.
   */
  public static byte[] readIfThere(File file, int limitBytes) throws IOException {
    if (isMissing(file)) {
      return null;
    }
    refuseLink(file);
    return readRegular(file, limitBytes);
  }

  /**
   * A file's bytes; what a link points to is taken: for folders that somebody else lays out.
   *
   * @param limitBytes more are no file of ours.
   * @throws IOException there is none, it can't be read, is longer than that, or is a pipe, a folder or the like.
   */
  public static byte[] readRegular(File file, int limitBytes) throws IOException {
    try (InputStream in = openRegular(file)) {
      return readAll(in, limitBytes, file.getPath());
    }
  }

  /**
   * Open a file to read; whoever opened a pipe would wait for ever.
   *
   * @throws IOException there is none, or it is a pipe, a folder or the like.
   */
  public static InputStream openRegular(File file) throws IOException {
    if (!file.exists()) {
      throw new FileNotFoundException("there is no such file");
    }
    if (!file.isFile()) {
      throw new IOException("not a file; remove it");
    }
    return new FileInputStream(file);
  }

  /**
   * All that a stream holds.
   *
   * @param limitBytes more are refused, and never held.
   * @throws IOException it can't be read, or holds more.
   */
  public static byte[] readAll(InputStream in, int limitBytes, String what) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    byte[] block = new byte[BLOCK_BYTES];
    for (int count = in.read(block); count >= 0; count = in.read(block)) {
      if (out.size() + (long) count > limitBytes) {
        throw new IOException("more than " + limitBytes + " bytes, too many for " + what);
      }
      out.write(block, 0, count);
    }
    return out.toByteArray();
  }

  /**
   * Write a file that its owner alone can read, whole or not at all; its folder has to be there.
   *
   * <p>The bytes are on the disk before they take the old ones' place.  Whatever goes wrong, the old file is as it was.
   *
   * @throws IOException it can't be written, or a link or a folder stands in its place.
   */
  public static void write(File file, byte[] data) throws IOException {
    refuseLink(file);
    File folder = file.getAbsoluteFile().getParentFile();
    removeAbandoned(folder);
    File temporary = new File(folder, ".voicelet-" + randomHex(8) + ".part");
    boolean isWritten = false;
    try {
      if (!temporary.createNewFile()) {
        throw new IOException("a temporary file of that name is there already");
      }
      keepPrivate(temporary, false);
      try (FileOutputStream out = new FileOutputStream(temporary)) {
        out.write(data);
        out.getFD().sync();
      }
      if (!temporary.renameTo(file.getAbsoluteFile())) {
        throw new IOException("the finished file can't be put in its place");
      }
      isWritten = true;
    } finally {
      if (!isWritten) {
        delete(temporary);
      }
    }
  }

  /**
   * Make a folder, and those above it that are missing, for their owner alone.
   *
   * @throws IOException it can't be made; a file is in the way, for one.
   */
  public static void makePrivateFolder(File folder) throws IOException {
    File absolute = folder.getAbsoluteFile();
    if (absolute.isDirectory()) {
      return;
    }
    File parent = absolute.getParentFile();
    if (parent != null) {
      makePrivateFolder(parent);
    }
    if (absolute.mkdir()) {
      keepPrivate(absolute, true);
    } else if (!absolute.isDirectory()) { // else another process was faster
      throw new IOException(absolute + " can't be made");
    }
  }

  /**
   * Refuse a symbolic link where a file of our own belongs; folders above it may be links.
   *
   * @throws IOException it is one.
   */
  public static void refuseLink(File file) throws IOException {
    if (isLink(file)) {
      throw new IOException("a symbolic link stands there; put the file in its place");
    }
  }

  /** Whether a path is a symbolic link, to something or to nothing. */
  public static boolean isLink(File file) throws IOException {
    File absolute = file.getAbsoluteFile();
    File parent = absolute.getParentFile();
    if (parent == null) {
      return false;
    }
    if (!absolute.exists()) {
      String[] names = parent.list();
      return names != null && Arrays.asList(names).contains(absolute.getName());
    }
    File inFolder = new File(parent.getCanonicalFile(), absolute.getName());
    return !inFolder.getCanonicalFile().equals(inFolder);
  }

  /** Remove a file; whether it was there or not. */
  public static boolean delete(File file) {
    return file.delete() || !file.exists();
  }

  /** Remove a folder and all in it; what links point to stays. */
  public static void deleteFolder(File folder) {
    File[] files = folder.listFiles();
    if (files != null) {
      for (File file : files) {
        boolean isFolder;
        try {
          isFolder = file.isDirectory() && !isLink(file);
        } catch (IOException e) {
          isFolder = false; // then it stays, rather than something elsewhere going
        }
        if (isFolder) {
          deleteFolder(file);
        } else {
          delete(file);
        }
      }
    }
    delete(folder);
  }

  /** So many random bytes, in lower-case hexadecimal digits. */
  public static String randomHex(int bytes) {
    byte[] random = new byte[bytes];
    RANDOM.nextBytes(random);
    StringBuilder out = new StringBuilder(2 * bytes);
    for (byte b : random) {
      out.append(String.format(Locale.ROOT, "%02x", b));
    }
    return out.toString();
  }

  static boolean isMissing(File file) throws IOException {
    return !file.exists() && !isLink(file);
  }

  private static void keepPrivate(File file, boolean isFolder) {
    // Where the file system has no such thing, there is nothing to keep.
    file.setReadable(false, false);
    file.setWritable(false, false);
    file.setReadable(true, true);
    file.setWritable(true, true);
    if (isFolder) {
      file.setExecutable(false, false);
      file.setExecutable(true, true);
    }
  }

  /** Temporary files that a process left which was killed. */
  private static void removeAbandoned(File folder) {
    String[] names = folder.list();
    long now = System.currentTimeMillis();
    for (String name : names == null ? new String[0] : names) {
      File file = new File(folder, name);
      if (name.matches(TEMPORARY) && now - file.lastModified() > ABANDONED_MS) {
        delete(file);
      }
    }
  }
}
