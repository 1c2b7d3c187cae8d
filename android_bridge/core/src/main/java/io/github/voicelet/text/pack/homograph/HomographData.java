package io.github.voicelet.text.pack.homograph;

import io.github.voicelet.PackException;
import io.github.voicelet.text.pack.Settings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The whole of homographs.json, as it is written. */
final class HomographData {
  /** A line of a list or chain: what it gives where all of {@code when} hold. */
  static final class Line {
    final List<String> when;

    /** A sense or a group; null ends a list without one. */
    final String text;

    final List<String> senses;
    final int points;

    Line(List<String> when, String text, List<String> senses, int points) {
      this.when = when;
      this.text = text;
      this.senses = senses;
      this.points = points;
    }
  }

  /** A word: its rules and, for the model, its senses. */
  static final class Entry {
    final List<Line> rules;

    /** Words that {@code skip-1} passes over for this word; "" for the pack's. */
    final String adverbs;

    /** What the model chooses from, its reference first. */
    final List<String> senses;

    /** A name for the weights that the second sense shares with other words'; "" for none. */
    final String shared;

    Entry(List<Line> rules, String adverbs, List<String> senses, String shared) {
      this.rules = rules;
      this.adverbs = adverbs;
      this.senses = senses;
      this.shared = shared;
    }

    /** What the model chooses from for a word of {@code part_of_speech}. */
    static Entry ofPartOfSpeech(String below, String above, String shared) {
      return new Entry(Collections.<Line>emptyList(), "", Arrays.asList(below, above), shared);
    }
  }

  final Map<String, Entry> words = new LinkedHashMap<>();
  final Map<String, String> classes;
  final String adverbs;
  final String adverbEndings;
  final int adverbLetters;

  /** Whether there are points for parts of speech; the next five are empty without. */
  final boolean hasPartOfSpeech;

  final String scored;
  final List<List<Line>> chains = new ArrayList<>();
  final List<Line> above;
  final List<Line> below;
  final List<Line> groups;

  /** The file of the model's weights; null for no model. */
  final String weights;

  final List<String> tagClasses;
  final List<String> tagEndings;
  final int overRules;
  final int overPoints;
  final int alone;

  /**
   * From the content of the file.
   *
   * @throws PackException a key is unknown, missing or of another kind.
   */
  HomographData(Map<String, Object> raw, String where) {
    try (Settings settings = new Settings(raw, where)) {
      for (Map.Entry<String, Object> word : settings.objects("words").entrySet()) {
        words.put(word.getKey(), entry(settings.of(word.getValue(), "words." + word.getKey())));
      }
      classes = settings.texts("classes");
      try (Settings given = settings.inner("adverbs")) {
        adverbs = given.string("words", "");
        adverbEndings = given.string("endings", "");
        adverbLetters = given.integer("letters", 1);
      }
      hasPartOfSpeech = settings.has("part_of_speech") && raw.get("part_of_speech") != null;
      if (hasPartOfSpeech) {
        try (Settings part = settings.inner("part_of_speech")) {
          scored = part.string("words");
          for (Object chain : part.requiredList("chains")) {
            chains.add(lines(part, part.listOf(chain, "chains"), "add"));
          }
          above = lines(part, part.requiredList("above"), "senses");
          below = lines(part, part.requiredList("below"), "senses");
          groups = lines(part, part.list("groups"), "group");
        }
      } else {
        scored = "";
        above = Collections.emptyList();
        below = Collections.emptyList();
        groups = Collections.emptyList();
      }
      boolean hasModel = settings.has("model") && raw.get("model") != null;
      if (hasModel) {
        try (Settings model = settings.inner("model")) {
          weights = model.string("weights");
          model.requiredList("classes");
          tagClasses = model.strings("classes");
          model.requiredList("endings");
          tagEndings = model.strings("endings");
          overRules = model.integer("over_rules");
          overPoints = model.integer("over_points");
          alone = model.integer("alone");
        }
      } else {
        weights = null;
        tagClasses = Collections.emptyList();
        tagEndings = Collections.emptyList();
        overRules = 0;
        overPoints = 0;
        alone = 0;
      }
    }
  }

  private static Entry entry(Settings settings) {
    try (Settings entry = settings) {
      Entry made =
          new Entry(
              lines(entry, entry.list("rules"), "sense"),
              entry.string("adverbs", ""),
              entry.strings("senses"),
              entry.string("shared", ""));
      if (made.senses.size() == 1 || (!made.shared.isEmpty() && made.senses.isEmpty())) {
        throw entry.error("the model needs two senses or more to choose from");
      }
      return made;
    }
  }

  /**
   * The lines of a list.
   *
   * @param gives the key of what a line gives: "sense", "group", "senses" or "add".
   */
  private static List<Line> lines(Settings parent, List<?> raw, String gives) {
    List<Line> lines = new ArrayList<>();
    for (Object value : raw) {
      try (Settings line = parent.of(value, gives)) {
        List<String> when = line.strings("when");
        switch (gives) {
          case "add":
            lines.add(new Line(when, null, Collections.<String>emptyList(), line.integer("add")));
            break;
          case "senses":
            line.requiredList("senses");
            lines.add(new Line(when, null, line.strings("senses"), 0));
            break;
          case "group":
            lines.add(new Line(when, line.string("group"), Collections.<String>emptyList(), 0));
            break;
          default:
            if (!line.has("sense")) {
              throw line.error("key 'sense' is missing; add it");
            }
            lines.add(new Line(when, line.stringOrNull("sense"), Collections.<String>emptyList(), 0));
        }
      }
    }
    return lines;
  }
}
