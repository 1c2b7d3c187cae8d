package io.github.voicelet.ort;

import io.github.voicelet.json.Json;
import io.github.voicelet.text.PhoneClause;
import io.github.voicelet.text.SpokenWord;
import io.github.voicelet.text.Accent;
import io.github.voicelet.text.InnerMark;
import io.github.voicelet.text.Prosody;
import io.github.voicelet.text.Tone;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/** Rows of the golden files of texts, and clauses in their form. */
final class Golden {
  private Golden() {}

  /** The rows of a file; they hold lone surrogates as UTF-8 would if it might. */
  static List<Map<String, Object>> rows(String path) throws IOException {
    List<Map<String, Object>> rows = new ArrayList<>();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(Repository.GOLDEN.resolve(path))), StandardCharsets.ISO_8859_1))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        rows.add(Json.object(Json.parse(decoded(line.getBytes(StandardCharsets.ISO_8859_1))), "a row"));
      }
    }
    return rows;
  }

  private static String decoded(byte[] bytes) {
    StringBuilder out = new StringBuilder(bytes.length);
    for (int i = 0; i < bytes.length; ) {
      int b = bytes[i++] & 0xFF;
      int more = b < 0x80 ? 0 : b < 0xE0 ? 1 : b < 0xF0 ? 2 : 3;
      int code = more == 0 ? b : b & (0x3F >> more);
      for (int j = 0; j < more; j++) {
        code = code << 6 | (bytes[i++] & 0x3F);
      }
      out.appendCodePoint(code);
    }
    return out.toString();
  }

  /** What a golden row holds of a clause, without the words' spelling, which the core's tests compare. */
  static Map<String, Object> expected(Object clause) {
    Map<String, Object> row = new LinkedHashMap<>(Json.object(clause, "a clause"));
    row.remove("tokens");
    if (row.containsKey("prosody")) {
      Map<String, Object> prosody = Json.object(row.get("prosody"), "prosody");
      row.put("prosody", prosody(prosody.get("speed"), prosody.get("pitch_semitones"), prosody.get("energy")));
    }
    return row;
  }

  /** A clause as a golden row holds it. */
  static Map<String, Object> row(PhoneClause clause) {
    Map<String, Object> row = new LinkedHashMap<>();
    List<Object> words = new ArrayList<>();
    List<Object> capitals = new ArrayList<>();
    for (SpokenWord word : clause.words) {
      if (word.capital) {
        capitals.add((long) words.size());
      }
      words.add(numbers(word.spanStart, word.spanEnd, word.phoneStart, word.phoneEnd));
    }
    List<Object> tones = new ArrayList<>();
    for (Tone tone : clause.tones) {
      tones.add(Arrays.<Object>asList(lower(tone.turn), (long) tone.start, (long) tone.end));
    }
    List<Object> accents = new ArrayList<>();
    for (Accent accent : clause.accents) {
      accents.add(Arrays.<Object>asList(lower(accent.level), (long) accent.start, (long) accent.end));
    }
    List<Object> marks = new ArrayList<>();
    for (InnerMark mark : clause.innerMarks) {
      marks.add(Arrays.<Object>asList(mark.name, (long) mark.at));
    }
    row.put("phones", clause.phones);
    row.put("words", words);
    row.put("pause_ms", (long) clause.pauseAfterMs);
    put(row, "tones", tones);
    put(row, "accents", accents);
    put(row, "capitals", capitals);
    put(row, "marks", clause.marks);
    put(row, "inner_marks", marks);
    if (!clause.prosody.equals(Prosody.PLAIN)) {
      row.put("prosody", prosody(clause.prosody.speed, clause.prosody.pitchSemitones, clause.prosody.energy));
    }
    put(row, "sentence_end", clause.sentenceEnd);
    put(row, "exclaimed", clause.exclaimed);
    put(row, "aside", clause.aside);
    put(row, "pause_is_fixed", clause.pauseIsFixed);
    return row;
  }

  /** To nine digits: logarithms differ in the last. */
  private static List<Object> prosody(Object... factors) {
    List<Object> rounded = new ArrayList<>();
    for (Object factor : factors) {
      rounded.add(Math.rint(((Number) factor).doubleValue() * 1e9) / 1e9);
    }
    return rounded;
  }

  private static List<Object> numbers(long... values) {
    List<Object> numbers = new ArrayList<>();
    for (long value : values) {
      numbers.add(value);
    }
    return numbers;
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  private static void put(Map<String, Object> row, String name, List<?> values) {
    if (!values.isEmpty()) {
      row.put(name, values);
    }
  }

  private static void put(Map<String, Object> row, String name, boolean value) {
    if (value) {
      row.put(name, true);
    }
  }
}
