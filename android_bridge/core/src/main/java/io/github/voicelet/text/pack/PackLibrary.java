package io.github.voicelet.text.pack;

import java.util.List;

/** A place that holds packs: a folder of them, a voice bundle, the assets of an app. Threads may share one. */
public interface PackLibrary extends PackParents {
  /** Languages of the packs, as BCP 47 tags in lower case. */
  List<String> tags();

  /** Whether they are voicelet's own and known to be right; others are checked whole before they are used. */
  boolean isKnown();
}
