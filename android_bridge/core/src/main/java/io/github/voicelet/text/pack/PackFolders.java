package io.github.voicelet.text.pack;

import java.io.File;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Packs that lie as folders beside one another. */
public final class PackFolders implements PackLibrary {
  private final File folder;
  private final PackParents packs;
  private final boolean isKnown;

  /**
   * Of one folder.
   *
   * @param isKnown whether they are voicelet's own and known to be right.
   */
  public PackFolders(File folder, boolean isKnown) {
    this.folder = folder;
    this.isKnown = isKnown;
    packs = FolderFiles.parentsIn(folder);
  }

  @Override
  public PackFiles find(String tag) {
    return packs.find(tag);
  }

  @Override
  public List<String> tags() {
    List<String> tags = new ArrayList<>();
    File[] folders = folder.listFiles();
    if (folders != null) {
      for (File each : folders) {
        if (find(each.getName()) != null) {
          tags.add(each.getName());
        }
      }
    }
    Collections.sort(tags);
    return tags;
  }

  @Override
  public boolean isKnown() {
    return isKnown;
  }
}
