package io.github.voicelet.bundle;

import io.github.voicelet.BundleException;
import io.github.voicelet.files.OwnFiles;
import io.github.voicelet.trust.keys.Hex;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Zipped bundles ({@code .voicelet}), unpacked without trust.
 *
 * <p>Only what the manifest lists is unpacked, at the length it lists, into a folder that gets its name once all of it is
 * verified. So an archive can neither write outside its folder, nor fill the disk, nor leave half a bundle behind.
 */
public final class BundleArchive {
  private static final int MAX_ENTRIES = 256;
  private static final int MAX_DIRECTORY_BYTES = 1 << 17;
  private static final int END_BYTES = 22;
  private static final int ZIP64_LOCATOR_BYTES = 20;
  private static final int END_MAGIC = 0x06054b50;
  private static final int ZIP64_MAGIC = 0x07064b50;
  private static final int BLOCK_BYTES = 1 << 16;
  private static final String INCOMING = ".incoming-";
  private static final String OUTGOING = ".outgoing-";
  private static final long ABANDONED_MS = 24 * 3600_000L; // unpacking takes seconds

  private BundleArchive() {}

  /**
   * Unpack an archive into a folder of its own and open it from there.
   *
   * @param target takes the place of what is there, whole or not at all.
   * @throws BundleException as {@link Bundle#open}, or not an archive, or the folder can't be written.
   */
  public static Bundle install(File archive, File target, BundleTrust trust) {
    File parent = target.getAbsoluteFile().getParentFile();
    File temporary = new File(parent, INCOMING + OwnFiles.randomHex(8));
    File outgoing = new File(parent, OUTGOING + OwnFiles.randomHex(8));
    File aside = new File(outgoing, target.getName());
    try {
      OwnFiles.makePrivateFolder(parent);
      removeAbandoned(parent);
      OwnFiles.refuseLink(target);
      OwnFiles.makePrivateFolder(temporary);
      unpack(archive, temporary);
      Bundle.open(temporary, trust);
      boolean isThere = target.exists();
      if (isThere) {
        OwnFiles.makePrivateFolder(outgoing);
        if (!target.renameTo(aside)) {
          throw new IOException("the old bundle can't be moved aside");
        }
      }
      if (!temporary.renameTo(target)) {
        if (isThere && !aside.renameTo(target)) {
          throw new IOException("the new bundle can't be put in its place; the old one is in " + aside);
        }
        throw new IOException("the new bundle can't be put in its place");
      }
      OwnFiles.deleteFolder(outgoing);
      return Bundle.open(target, trust);
    } catch (IOException e) {
      throw new BundleException(target + ": can't be written (" + e.getMessage() + "); free some space", e);
    } finally {
      OwnFiles.deleteFolder(temporary);
      OwnFiles.delete(outgoing); // only if nothing is in it
    }
  }

  /** What was left by an app that was killed meanwhile; a bundle that was moved aside for one that never came is put back. */
  private static void removeAbandoned(File parent) throws IOException {
    String[] names = parent.list();
    for (String name : names == null ? new String[0] : names) {
      File left = new File(parent, name);
      boolean isOurs = name.startsWith(INCOMING) || name.startsWith(OUTGOING);
      if (!isOurs || OwnFiles.isLink(left) || System.currentTimeMillis() - left.lastModified() <= ABANDONED_MS) {
        continue;
      }
      String[] kept = name.startsWith(OUTGOING) ? left.list() : null;
      for (String bundle : kept == null ? new String[0] : kept) {
        File place = new File(parent, bundle);
        if (!place.exists() && !new File(left, bundle).renameTo(place)) {
          throw new IOException(place + " can't be put back from " + left);
        }
      }
      OwnFiles.deleteFolder(left);
    }
  }

  private static void unpack(File archive, File folder) throws IOException {
    refuseOddDirectory(archive);
    try (ZipFile zip = new ZipFile(archive)) {
      Map<String, ZipEntry> entries = new LinkedHashMap<>();
      for (ZipEntry entry : Collections.list(zip.entries())) {
        if (entries.put(entry.getName(), entry) != null) {
          throw new BundleException(archive + ": a name appears twice; fetch the bundle again");
        }
      }
      ZipEntry listed = entries.get(BundleManifest.FILE);
      if (listed == null) {
        throw new BundleException(
            archive + ": holds no " + BundleManifest.FILE + "; a bundle has it at the top level");
      }
      byte[] raw = small(zip, listed, archive);
      BundleManifest manifest = BundleManifest.parse(raw, archive + "/" + BundleManifest.FILE);
      write(folder, BundleManifest.FILE, raw);
      if (entries.containsKey(BundleManifest.SIGNATURE_FILE)) {
        write(
            folder,
            BundleManifest.SIGNATURE_FILE,
            small(zip, entries.get(BundleManifest.SIGNATURE_FILE), archive));
      }
      for (ListedFile file : manifest.files()) {
        ZipEntry entry = entries.get(file.file);
        if (entry == null) {
          throw new BundleException(archive + ": lacks " + file.file + "; fetch the bundle again");
        }
        String where = archive + "/" + file.file;
        file.checkLength(entry.getSize(), where);
        copy(zip, entry, file, new File(folder, file.file), where);
      }
    } catch (UnwritableException e) {
      throw e;
    } catch (IOException | IllegalArgumentException e) { // what java.util.zip raises on hostile input
      throw damaged(archive, String.valueOf(e.getMessage()), e);
    }
  }

  /** Java would read the whole directory, whatever its size. Bundles have no archive comment and no zip64. */
  private static void refuseOddDirectory(File archive) {
    ByteBuffer end;
    ByteBuffer before;
    try {
      if (!archive.isFile()) {
        throw new IOException("no such file");
      }
      try (RandomAccessFile file = new RandomAccessFile(archive, "r")) {
        long size = file.length();
        if (size > BundleManifest.MAX_BUNDLE_BYTES) {
          throw new BundleException(
              archive + ": larger than " + (BundleManifest.MAX_BUNDLE_BYTES >> 20) + " MB; not a bundle");
        }
        byte[] tail = new byte[(int) Math.min(size, END_BYTES + ZIP64_LOCATOR_BYTES)];
        file.seek(size - tail.length);
        file.readFully(tail);
        int split = Math.max(0, tail.length - END_BYTES);
        before = ByteBuffer.wrap(tail, 0, split).slice().order(ByteOrder.LITTLE_ENDIAN);
        end = ByteBuffer.wrap(tail, split, tail.length - split).slice().order(ByteOrder.LITTLE_ENDIAN);
      }
    } catch (IOException e) {
      throw new BundleException(archive + ": " + e.getMessage() + "; name the archive", e);
    }
    if (end.remaining() < END_BYTES || end.getInt(0) != END_MAGIC) {
      throw new BundleException(archive + ": not a bundle archive, or a truncated one; fetch it again");
    }
    int count = end.getShort(10) & 0xffff;
    long directoryBytes = end.getInt(12) & 0xffffffffL;
    boolean isZip64 = before.remaining() == ZIP64_LOCATOR_BYTES && before.getInt(0) == ZIP64_MAGIC;
    if (count > MAX_ENTRIES || directoryBytes > MAX_DIRECTORY_BYTES || end.getShort(20) != 0 || isZip64) {
      throw new BundleException(archive + ": its directory isn't that of a bundle; fetch it again");
    }
  }

  private static byte[] small(ZipFile zip, ZipEntry entry, File archive) throws IOException {
    try (InputStream in = zip.getInputStream(entry)) {
      return OwnFiles.readAll(in, BundleManifest.MAX_MANIFEST_BYTES, entry.getName());
    }
  }

  private static void copy(ZipFile zip, ZipEntry entry, ListedFile file, File target, String where)
      throws IOException {
    MessageDigest digest = Hex.sha256Digest();
    CRC32 crc = new CRC32(); // java.util.zip doesn't compare it
    byte[] block = new byte[BLOCK_BYTES];
    int remaining = file.bytes;
    makeFolder(target);
    try (InputStream in = zip.getInputStream(entry);
        FileOutputStream out = create(target)) {
      while (remaining > 0) {
        int count = in.read(block, 0, Math.min(remaining, block.length));
        if (count < 0) {
          break;
        }
        digest.update(block, 0, count);
        crc.update(block, 0, count);
        put(out, block, count, target);
        remaining -= count;
      }
    }
    file.checkLength(file.bytes - remaining, where);
    if (crc.getValue() != entry.getCrc()) {
      throw new IOException("bad CRC-32 for " + file.file);
    }
    file.checkHash(digest.digest(), where);
  }

  private static void write(File folder, String name, byte[] data) throws UnwritableException {
    File file = new File(folder, name);
    try {
      OwnFiles.write(file, data);
    } catch (IOException e) {
      throw new UnwritableException(file, e);
    }
  }

  private static void makeFolder(File file) throws UnwritableException {
    try {
      OwnFiles.makePrivateFolder(file.getParentFile());
    } catch (IOException e) {
      throw new UnwritableException(file, e);
    }
  }

  private static FileOutputStream create(File file) throws UnwritableException {
    try {
      return new FileOutputStream(file);
    } catch (IOException e) {
      throw new UnwritableException(file, e);
    }
  }

  private static void put(FileOutputStream out, byte[] block, int count, File file) throws UnwritableException {
    try {
      out.write(block, 0, count);
    } catch (IOException e) {
      throw new UnwritableException(file, e);
    }
  }

  private static BundleException damaged(File archive, String why, Throwable cause) {
    return new BundleException(archive + ": a damaged bundle archive (" + why + "); fetch the bundle again", cause);
  }

  /** The disk's fault, not the archive's. */
  private static final class UnwritableException extends IOException {
    private static final long serialVersionUID = 1L;

    UnwritableException(File file, IOException cause) {
      super(file + ": " + cause.getMessage(), cause);
    }
  }
}
