package io.github.voicelet.text.pack;

import java.util.List;

/** Where the files of one pack lie: a folder, an archive, the assets of an app. Threads may share one. */
public interface PackFiles {
  /**
   * A file's bytes.
   *
   * @param name relative to the pack, with "/" ("tables/units.tsv").
   * @return null where there is no such file.
   * @throws io.github.voicelet.PackException it can't be read.
   */
  byte[] read(String name);

  /** The names of all files. */
  List<String> names();

  /** What messages call the pack; its last part ("…/es") is the name of its folder. */
  String place();
}
