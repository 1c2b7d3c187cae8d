package io.github.voicelet.trust.keys;

import io.github.voicelet.SealException;
import io.github.voicelet.files.OwnFiles;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.regex.Pattern;

/**
 * Secrets in files that their owner alone can read, each with a checksum and a second copy: a flipped bit in a key would cost
 * all that it opens. Whoever can read the owner's files can read them; the encryption of the disk is what protects them at rest.
 */
public final class SecretFiles implements SecretStore {
  static final String FILE = "file";

  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9-]{0,63}");
  private static final int MAX_BYTES = 4096;
  private static final int CHECKSUM_BYTES = 8;

  private final File folder;

  /** In one folder, which is made when first written to. */
  public SecretFiles(File folder) {
    this.folder = folder;
  }

  @Override
  public String place() {
    return FILE;
  }

  @Override
  public void write(String name, byte[] secret) {
    byte[] data = Arrays.copyOf(secret, secret.length + CHECKSUM_BYTES);
    System.arraycopy(checksum(secret), 0, data, secret.length, CHECKSUM_BYTES);
    writeFile(file(name), data);
    writeFile(copy(name), data);
  }

  @Override
  public byte[] read(String name) {
    boolean isDamaged = false;
    for (File place : new File[] {file(name), copy(name)}) {
      byte[] data = readFile(place);
      if (data != null && data.length >= CHECKSUM_BYTES) {
        byte[] secret = Arrays.copyOf(data, data.length - CHECKSUM_BYTES);
        if (MessageDigest.isEqual(checksum(secret), Arrays.copyOfRange(data, secret.length, data.length))) {
          return secret;
        }
      }
      isDamaged |= data != null;
    }
    if (isDamaged) {
      throw new SealException(file(name) + " is damaged, and so is its copy; restore it from a backup");
    }
    return null;
  }

  @Override
  public void delete(String name) {
    shred(copy(name));
    shred(file(name));
  }

  /**
   * Write a file that its owner alone can read, in a folder of the same kind.
   *
   * @throws SealException it can't be written.
   */
  public static void writeFile(File file, byte[] data) {
    try {
      OwnFiles.makePrivateFolder(file.getAbsoluteFile().getParentFile());
      OwnFiles.write(file, data);
    } catch (IOException e) {
      throw new SealException(
          file + ": the key can't be written (" + e.getMessage() + "); check the folder's permissions and free space", e);
    }
  }

  /**
   * A file that {@link #writeFile} wrote.
   *
   * @return null where there is none.
   * @throws SealException it can't be read.
   */
  public static byte[] readFile(File file) {
    try {
      return OwnFiles.readIfThere(file, MAX_BYTES);
    } catch (IOException e) {
      throw new SealException(file + ": the key can't be read (" + e.getMessage() + ")", e);
    }
  }

  /** Overwrite and remove a file; flash storage may keep the old blocks for a while. */
  private static void shred(File file) {
    try {
      if (file.exists() && !OwnFiles.isLink(file) && file.isFile()) {
        try (RandomAccessFile opened = new RandomAccessFile(file, "rw")) {
          byte[] noise = new byte[(int) Math.min(opened.length(), MAX_BYTES)];
          new SecureRandom().nextBytes(noise);
          opened.write(noise);
          opened.getFD().sync();
        }
      }
      if (!OwnFiles.delete(file)) {
        throw new IOException("the folder doesn't let it go");
      }
    } catch (IOException e) {
      throw new SealException(file + ": can't be removed (" + e.getMessage() + ")", e);
    }
  }

  private static byte[] checksum(byte[] secret) {
    MessageDigest digest = Hex.sha256Digest();
    digest.update("voicelet key file\n".getBytes(StandardCharsets.US_ASCII));
    return Arrays.copyOf(digest.digest(secret), CHECKSUM_BYTES);
  }

  private File file(String name) {
    if (!NAME.matcher(name).matches()) {
      throw new SealException("'" + name + "' can't be the name of a key");
    }
    return new File(folder, name + ".key");
  }

  private File copy(String name) {
    return new File(folder, file(name).getName() + ".copy");
  }
}
