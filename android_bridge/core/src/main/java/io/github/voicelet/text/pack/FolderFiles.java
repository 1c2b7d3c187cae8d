package io.github.voicelet.text.pack;

import io.github.voicelet.PackException;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/** The files of a pack that lies in a folder. */
public final class FolderFiles implements PackFiles {
  /** A file of a pack isn't larger. */
  static final int MAX_BYTES = 16 << 20;

  private final File folder;

  /** Of one folder. */
  public FolderFiles(File folder) {
    this.folder = folder;
  }

  /** Finds packs as folders beside one another. */
  public static PackParents parentsIn(File packs) {
    return tag -> {
      File folder = new File(packs, tag);
      return new File(folder, PackContent.PACK).isFile() ? new FolderFiles(folder) : null;
    };
  }

  @Override
  public byte[] read(String name) {
    File file = new File(folder, name);
    if (!file.isFile()) {
      return null;
    }
    try (InputStream in = new FileInputStream(file)) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      byte[] buffer = new byte[1 << 16];
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        out.write(buffer, 0, count);
        if (out.size() > MAX_BYTES) {
          throw new PackException(file + ": larger than " + (MAX_BYTES >> 20) + " MiB");
        }
      }
      return out.toByteArray();
    } catch (IOException e) {
      throw new PackException(file + " can't be read: " + e.getMessage(), e);
    }
  }

  @Override
  public List<String> names() {
    List<String> names = new ArrayList<>();
    list(folder, "", names, 2);
    return names;
  }

  private static void list(File folder, String before, List<String> names, int depth) {
    File[] files = folder.listFiles();
    if (files == null) {
      return;
    }
    for (File file : files) {
      if (file.isFile()) {
        names.add(before + file.getName());
      } else if (!file.isDirectory() && file.exists()) {
        throw new PackException(file + ": not a file; remove it"); // whoever opened a pipe would wait for ever
      } else if (depth > 1) {
        list(file, before + file.getName() + "/", names, depth - 1);
      }
    }
  }

  @Override
  public String place() {
    return folder.getPath().replace(File.separatorChar, '/');
  }
}
