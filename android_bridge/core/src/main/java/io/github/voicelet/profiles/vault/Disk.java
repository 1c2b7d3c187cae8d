package io.github.voicelet.profiles.vault;

import io.github.voicelet.ProfileException;
import io.github.voicelet.files.FolderLock;
import io.github.voicelet.files.OwnFiles;
import io.github.voicelet.trust.seal.Aead;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * The folder of a vault, and {@code backup} in it with a second copy of each file, against worn flash memory and accidental
 * deletion. Files are written whole or not at all, for their owner only.
 */
final class Disk {
  static final String SUFFIX = ".vclp";
  static final int MAX_PROFILE_BYTES = 1 << 20;
  static final int LIMIT_BYTES = MAX_PROFILE_BYTES + (1 << 14);

  private static final String COPIES = "backup";
  private static final int SHRED_BYTES = 1 << 16;

  private final File folder;
  private final File copies;

  Disk(File folder) {
    this.folder = folder;
    copies = new File(folder, COPIES);
  }

  private File file(String name, boolean copy) {
    return new File(copy ? copies : folder, name);
  }

  /**
   * The contents of a file, null if there is none.
   *
   * @throws ProfileException it is a folder, a pipe, a symbolic link or far too large.
   */
  byte[] read(String name, boolean copy) throws IOException {
    File file = file(name, copy);
    if (OwnFiles.isLink(file)) {
      throw new ProfileException("'" + name + "' is a symbolic link; only the folder may be one");
    }
    if (file.exists() && (!file.isFile() || file.length() > LIMIT_BYTES)) {
      throw new ProfileException("'" + name + "' isn't a file, or far too large; remove it");
    }
    return OwnFiles.readIfThere(file, LIMIT_BYTES);
  }

  /** As {@link #read}, null for what isn't a file. */
  byte[] readSound(String name, boolean copy) throws IOException {
    try {
      return read(name, copy);
    } catch (ProfileException e) {
      return null;
    }
  }

  /** Write a file, then its copy; one without a copy is as good until it is damaged. */
  void write(String name, byte[] data) throws IOException {
    writeFirst(name, data);
    try {
      writeCopy(name, data);
    } catch (IOException e) {
      return; // the next writing makes it
    }
  }

  void writeFirst(String name, byte[] data) throws IOException {
    OwnFiles.write(file(name, false), data);
  }

  void writeCopy(String name, byte[] data) throws IOException {
    OwnFiles.write(file(name, true), data);
  }

  /** Overwrite and remove a file and its copy; stopped in between, the file is still whole. What a link points to stays. */
  void remove(String name) throws IOException {
    for (boolean copy : new boolean[] {true, false}) {
      File file = file(name, copy);
      if (OwnFiles.isLink(file)) {
        OwnFiles.delete(file);
        continue;
      }
      if (!file.exists()) {
        continue;
      }
      // At once: a file that is half overwritten would be damaged.
      File aside = new File(file.getParentFile(), ".voicelet-" + OwnFiles.randomHex(8) + ".part");
      if (!file.renameTo(aside)) {
        throw new IOException(name + " can't be removed");
      }
      shred(aside);
    }
  }

  /** Overwrite and remove a file; flash storage may keep the old blocks for a while. */
  static void shred(File file) throws IOException {
    if (file.isFile() && !OwnFiles.isLink(file)) {
      try (RandomAccessFile opened = new RandomAccessFile(file, "rw")) {
        for (long left = opened.length(); left > 0; left -= SHRED_BYTES) {
          opened.write(Aead.random((int) Math.min(left, SHRED_BYTES)));
        }
        opened.getFD().sync();
      }
    }
    if (!OwnFiles.delete(file)) {
      throw new IOException(file.getName() + " can't be removed");
    }
  }

  boolean isThere(String name) {
    return file(name, false).isFile() || hasCopy(name);
  }

  boolean hasCopy(String name) {
    return file(name, true).isFile();
  }

  /** Names of all files that are, or should be, profiles, in order. */
  List<String> profiles() {
    TreeSet<String> names = new TreeSet<>();
    for (File place : new File[] {folder, copies}) {
      String[] there = place.list();
      for (String name : there == null ? new String[0] : there) {
        if (name.endsWith(SUFFIX) && !name.startsWith(".")) {
          names.add(name);
        }
      }
    }
    return new ArrayList<>(names);
  }

  /** The folders, made, with no other writer in them. */
  FolderLock writing() throws IOException {
    OwnFiles.makePrivateFolder(folder);
    OwnFiles.makePrivateFolder(copies);
    return FolderLock.of(new File(folder, ".lock"));
  }

  /** What an error of the disk means. */
  ProfileException explained(String what, IOException error) {
    return new ProfileException(
        what
            + " in "
            + this
            + ": "
            + error.getMessage()
            + "; check the folder's permissions and free space (earlier profiles are intact)",
        error);
  }

  @Override
  public String toString() {
    return "'" + folder + "'";
  }
}
