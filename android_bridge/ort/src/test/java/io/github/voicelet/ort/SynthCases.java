package io.github.voicelet.ort;

import io.github.voicelet.json.Json;
import io.github.voicelet.synth.SpeechOptions;
import io.github.voicelet.synth.SpeechStyle;
import io.github.voicelet.text.Accent;
import io.github.voicelet.text.Emphasis;
import io.github.voicelet.text.InnerMark;
import io.github.voicelet.text.PhoneClause;
import io.github.voicelet.text.Prosody;
import io.github.voicelet.text.Reading;
import io.github.voicelet.text.SpokenWord;
import io.github.voicelet.text.Tone;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Clauses that Python's front end made, and what Python spoke of them: tests/golden/synth.json. */
final class SynthCases {
  private final Map<String, Object> cases;

  SynthCases() throws IOException {
    cases = Json.parseObject(Files.readAllBytes(Repository.GOLDEN.resolve("synth.json")));
  }

  /** A case. */
  static final class Case {
    final String text;
    final List<PhoneClause> clauses = new ArrayList<>();
    final SpeechOptions options;
    final int samples;
    /** Text, first and last place in code points, seconds of begin and end. */
    final List<Object> words;
    /** Name, seconds. */
    final List<Object> marks;

    private Case(Map<String, Object> fields) {
      text = (String) fields.get("text");
      samples = ((Long) fields.get("samples")).intValue();
      words = Json.array(fields.get("words"), "words");
      marks = Json.array(fields.get("marks"), "marks");
      for (Object clause : Json.array(fields.get("clauses"), "clauses")) {
        clauses.add(clause(Json.object(clause, "a clause")));
      }
      Map<String, Object> set = Json.object(fields.get("options"), "options");
      options =
          SpeechOptions.builder()
              .speed(number(set, "speed", 1.0))
              .pitchSemitones(number(set, "pitch_semitones", 0.0))
              .energy(number(set, "energy", 1.0))
              .seed((Long) set.getOrDefault("seed", 0L))
              .style(SpeechStyle.valueOf(((String) set.getOrDefault("style", "neutral")).toUpperCase(Locale.ROOT)))
              .reading(
                  new Reading(
                      Reading.Punctuation.NONE,
                      Reading.Capitals.valueOf(
                          ((String) set.getOrDefault("capitals", "none")).toUpperCase(Locale.ROOT)),
                      false))
              .preset((String) fields.get("preset"))
              .build();
    }
  }

  Case get(String name) {
    return new Case(Json.object(cases.get(name), name));
  }

  /** The case of a text. */
  Case ofText(String text) {
    for (String name : cases.keySet()) {
      if (get(name).text.equals(text)) {
        return get(name);
      }
    }
    throw new IllegalArgumentException("no case of " + text);
  }

  private static double number(Map<String, Object> fields, String name, double usual) {
    return ((Number) fields.getOrDefault(name, usual)).doubleValue();
  }

  private static int whole(Object value) {
    return ((Long) value).intValue();
  }

  private static PhoneClause clause(Map<String, Object> fields) {
    List<SpokenWord> words = new ArrayList<>();
    for (Object item : Json.array(fields.get("words"), "words")) {
      Map<String, Object> w = Json.object(item, "a word");
      List<Object> span = Json.array(w.get("span"), "a span");
      words.add(
          new SpokenWord(
              (String) w.get("text"), whole(span.get(0)), whole(span.get(1)), whole(w.get("start")), whole(w.get("end")),
              (Boolean) w.get("capital")));
    }
    List<Tone> tones = new ArrayList<>();
    for (Object item : Json.array(fields.get("tones"), "tones")) {
      Map<String, Object> t = Json.object(item, "a tone");
      Tone.Turn turn = Tone.Turn.valueOf(((String) t.get("turn")).toUpperCase(Locale.ROOT));
      tones.add(new Tone(turn, whole(t.get("start")), whole(t.get("end"))));
    }
    List<Accent> accents = new ArrayList<>();
    for (Object item : Json.array(fields.get("accents"), "accents")) {
      Map<String, Object> a = Json.object(item, "an accent");
      Emphasis level = Emphasis.valueOf(((String) a.get("level")).toUpperCase(Locale.ROOT));
      accents.add(new Accent(level, whole(a.get("start")), whole(a.get("end"))));
    }
    List<InnerMark> inner = new ArrayList<>();
    for (Object item : Json.array(fields.get("inner_marks"), "marks")) {
      Map<String, Object> m = Json.object(item, "a mark");
      inner.add(new InnerMark((String) m.get("name"), whole(m.get("at"))));
    }
    List<String> marks = new ArrayList<>();
    for (Object name : Json.array(fields.get("marks"), "marks")) {
      marks.add((String) name);
    }
    Map<String, Object> p = Json.object(fields.get("prosody"), "prosody");
    return new PhoneClause(
        (String) fields.get("phones"), words, whole(fields.get("pause_after_ms")),
        new Prosody(number(p, "speed", 1), number(p, "pitch_semitones", 0), number(p, "energy", 1)), marks,
        (Boolean) fields.get("sentence_end"), tones, (Boolean) fields.get("exclaimed"), accents, inner,
        (Boolean) fields.get("aside"), (Boolean) fields.get("pause_is_fixed"));
  }
}
