package io.github.voicelet.synth;

import io.github.voicelet.BundleException;
import io.github.voicelet.ConfigException;
import io.github.voicelet.PackException;
import io.github.voicelet.graph.GraphEngine;
import io.github.voicelet.text.ReadLanguage;
import io.github.voicelet.text.ReadLanguages;
import io.github.voicelet.text.pack.LanguageTags;
import io.github.voicelet.text.pack.Pack;
import io.github.voicelet.text.pack.PackFiles;
import io.github.voicelet.text.pack.PackLibrary;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Pattern;

/**
 * The languages of a voice: those that its bundle speaks, read by the best pack that there is. Packs are opened when they are first
 * needed, and kept; one that can't be used is passed over for the next, with a line in the log.
 */
final class VoiceLanguages implements ReadLanguages, AutoCloseable {
  /** Asks for the language of each sentence to be found out. */
  static final String AUTO = "auto";

  private static final Logger LOG = Logger.getLogger(VoiceLanguages.class.getName());
  private static final Pattern TAG = Pattern.compile("[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*");
  private static final String DEFAULT = "en";

  private final List<String> spoken;
  private final List<PackLibrary> libraries;
  private final GraphEngine engine;
  private final Map<String, ReadLanguage> opened = new LinkedHashMap<>();

  /**
   * Of a voice.
   *
   * @param spoken BCP 47 tags of its languages.
   * @param libraries where packs are, in the order of asking.
   * @param engine runs their letter-to-sound models.
   */
  VoiceLanguages(List<String> spoken, List<PackLibrary> libraries, GraphEngine engine) {
    this.spoken = spoken;
    this.libraries = libraries;
    this.engine = engine;
  }

  /** The tag of the voice's own language, which texts are in that don't say otherwise. */
  String firstTag() {
    return spoken.isEmpty() ? DEFAULT : spoken.get(0);
  }

  @Override
  public ReadLanguage find(String tag) {
    requireSpoken(tag);
    return pack(tag);
  }

  @Override
  public List<ReadLanguage> readable() {
    Map<String, ReadLanguage> found = new LinkedHashMap<>();
    for (String tag : spoken) {
      try {
        ReadLanguage language = pack(tag);
        if (!found.containsKey(language.tag())) {
          found.put(language.tag(), language);
        }
      } catch (ConfigException | PackException e) {
        LOG.log(Level.WARNING, "a language of the voice isn''t read: {0}", e.getMessage());
      }
    }
    return new ArrayList<>(found.values());
  }

  /** The language of the pack that reads a tag, whether the voice says that it speaks it or not. */
  synchronized ReadLanguage pack(String tag) {
    Map<String, List<PackLibrary>> offered = new LinkedHashMap<>();
    for (PackLibrary library : libraries) {
      for (String each : library.tags()) {
        if (!offered.containsKey(each)) {
          offered.put(each, new ArrayList<PackLibrary>());
        }
        offered.get(each).add(library);
      }
    }
    PackException failure = null;
    while (true) {
      String name;
      try {
        name = LanguageTags.match(tag, offered.keySet());
      } catch (ConfigException e) {
        throw failure == null ? e : failure;
      }
      if (opened.containsKey(name)) {
        return opened.get(name);
      }
      for (PackLibrary library : offered.remove(name)) {
        try {
          ReadLanguage language = new ReadLanguage(open(library, name), engine);
          opened.put(name, language);
          return language;
        } catch (PackException | BundleException e) {
          LOG.log(Level.WARNING, "the language pack ''{0}'' isn''t used: {1}", new Object[] {name, e.getMessage()});
          failure = e instanceof PackException ? (PackException) e : new PackException(e.getMessage(), e);
        }
      }
    }
  }

  private Pack open(PackLibrary library, String tag) {
    return library.isKnown()
        ? Pack.openKnown(library.find(tag), library)
        : Pack.open(library.find(tag), parent -> parent(library, parent));
  }

  /** The pack that another one inherits from: one beside it, or of voicelet's own. */
  private PackFiles parent(PackLibrary beside, String tag) {
    PackFiles found = beside.find(tag);
    for (PackLibrary library : libraries) {
      found = found == null && library.isKnown() ? library.find(tag) : found;
    }
    return found;
  }

  /** The variety of the voice's own language that a preset of it speaks, if one of voicelet's packs names the preset; else null. */
  String variety(String preset) {
    String prefix = Case.lower(firstTag()).split("-", 2)[0] + "-";
    for (PackLibrary library : libraries) {
      for (String tag : library.isKnown() ? library.tags() : new ArrayList<String>()) {
        if (tag.startsWith(prefix)) {
          ReadLanguage language = pack(tag);
          if (language.pack.config().presets.contains(preset)) {
            return language.tag();
          }
        }
      }
    }
    return null;
  }

  /**
   * Raise unless the voice speaks a language, or a variety of it.
   *
   * @throws ConfigException it doesn't; those that it speaks are named.
   */
  void requireSpoken(String tag) {
    if (!TAG.matcher(tag).matches()) {
      throw new ConfigException("language must be a BCP 47 tag such as \"en\" or \"en-GB\", not '" + tag + "'");
    }
    String wanted = Case.lower(tag).split("-", 2)[0];
    for (String own : spoken) {
      if (Case.lower(own).split("-", 2)[0].equals(wanted)) {
        return;
      }
    }
    throw new ConfigException(
        "this voice doesn't speak '" + tag + "'; it speaks " + Whitespace.join(", ", spoken)
            + ". Leave out the language, or load a voice that has it");
  }

  @Override
  public synchronized void close() {
    for (ReadLanguage language : opened.values()) {
      language.close();
    }
    opened.clear();
  }
}
