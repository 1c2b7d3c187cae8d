package io.github.voicelet.text;

/** A {@link Word} or a {@link Mark}. */
interface Token extends Item {
  /** The word as it is said, or the mark. */
  String text();
}
