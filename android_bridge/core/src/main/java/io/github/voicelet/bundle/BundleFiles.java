package io.github.voicelet.bundle;

import java.io.IOException;
import java.io.InputStream;

/** Where the files of one bundle lie: a folder, the assets of an app. Nothing is believed of them before it is checked. */
public interface BundleFiles {
  /**
   * Open a file.
   *
   * @param name relative to the bundle, with "/"; a name of {@link BundleManifest} or of one that its manifest lists.
   * @return null where there is none.
   * @throws IOException it can't be read.
   */
  InputStream open(String name) throws IOException;

  /** What messages call the bundle. */
  String place();
}
