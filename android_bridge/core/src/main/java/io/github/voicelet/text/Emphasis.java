package io.github.voicelet.text;

/** How much a word is emphasized, as SSML says it. */
public enum Emphasis {
  NONE,
  REDUCED,
  MODERATE,
  STRONG
}
