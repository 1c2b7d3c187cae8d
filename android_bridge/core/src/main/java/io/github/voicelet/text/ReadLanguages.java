package io.github.voicelet.text;

import java.util.List;

/** The languages that a voice speaks, as packs read them. Threads may share one. */
public interface ReadLanguages {
  /**
   * The language of a tag, opened at the first call and kept.
   *
   * @param tag BCP 47.
   * @throws io.github.voicelet.ConfigException the voice doesn't speak it, or no pack reads it.
   * @throws io.github.voicelet.PackException its pack is wrong.
   */
  ReadLanguage find(String tag);

  /** All that the voice speaks and that can be read, the first first. */
  List<ReadLanguage> readable();
}
