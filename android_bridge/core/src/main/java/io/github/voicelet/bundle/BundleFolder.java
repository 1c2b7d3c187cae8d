package io.github.voicelet.bundle;

import io.github.voicelet.files.OwnFiles;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;

/** The files of a bundle that lies in a folder. */
public final class BundleFolder implements BundleFiles {
  private final File folder;

  /** Of one folder. */
  public BundleFolder(File folder) {
    this.folder = folder;
  }

  @Override
  public InputStream open(String name) throws IOException {
    File file = new File(folder, name);
    return file.exists() ? OwnFiles.openRegular(file) : null;
  }

  @Override
  public String place() {
    return folder.getPath();
  }
}
