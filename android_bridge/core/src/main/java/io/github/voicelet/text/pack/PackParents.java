package io.github.voicelet.text.pack;

/** Finds the packs that another one inherits from. */
public interface PackParents {
  /**
   * The files of a pack.
   *
   * @param tag BCP 47, in lower case.
   * @return null where there is none.
   */
  PackFiles find(String tag);
}
