package io.github.voicelet.profiles;

import io.github.voicelet.ProfileException;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The figures of the recording gate that stay with a profile; those that weren't measured are null. */
public final class QualitySummary {
  private static final String[] MEASURED = {
    "total_s", "speech_s", "snr_db", "clipped_fraction", "level_dbfs", "bandwidth_hz"
  };
  private static final String[] OPTIONAL = {
    "speaker_consistency", "phonetic_coverage", "pitch_low_hz", "pitch_median_hz", "pitch_high_hz"
  };
  private static final String WARNINGS = "warnings";

  private final Map<String, Double> figures;
  private final List<String> warnings;

  /**
   * A summary.
   *
   * @param figures by name: total_s, speech_s, snr_db, clipped_fraction (0..1), level_dbfs, bandwidth_hz; and, where they were
   *     measured, speaker_consistency, phonetic_coverage, pitch_low_hz, pitch_median_hz, pitch_high_hz.
   * @param warnings what would make the voice better, for the user to read.
   * @throws ProfileException a figure is missing, unknown or not finite.
   */
  public QualitySummary(Map<String, Double> figures, List<String> warnings) {
    Map<String, Double> own = new LinkedHashMap<>();
    for (String name : MEASURED) {
      if (figures.get(name) == null) {
        throw new ProfileException("the quality figure " + name + " of a profile is missing; enrol the voice again");
      }
      own.put(name, figures.get(name));
    }
    for (String name : OPTIONAL) {
      own.put(name, figures.get(name));
    }
    for (Map.Entry<String, Double> figure : figures.entrySet()) {
      Double value = figure.getValue();
      if (!own.containsKey(figure.getKey())) {
        throw new ProfileException("there is no quality figure " + figure.getKey());
      }
      if (value != null && (Double.isNaN(value) || Double.isInfinite(value))) {
        throw new ProfileException("the quality figure " + figure.getKey() + " of a profile must be finite");
      }
    }
    this.figures = Collections.unmodifiableMap(own);
    this.warnings = Collections.unmodifiableList(new ArrayList<>(warnings));
  }

  /** Figures by name, see the constructor. */
  public Map<String, Double> figures() {
    return figures;
  }

  /** What would make the voice better, for the user to read. */
  public List<String> warnings() {
    return warnings;
  }

  Map<String, Object> toJson() {
    Map<String, Object> all = new LinkedHashMap<>();
    all.putAll(figures);
    all.put(WARNINGS, warnings);
    return all;
  }

  /** Keys that aren't known are skipped. */
  static QualitySummary read(Map<String, Object> json) {
    Map<String, Double> figures = new LinkedHashMap<>();
    for (String name : MEASURED) {
      figures.put(name, Fields.number(json, name));
    }
    for (String name : OPTIONAL) {
      figures.put(name, Fields.numberOrNull(json, name));
    }
    List<String> warnings = new ArrayList<>();
    if (json.containsKey(WARNINGS)) {
      for (Object warning : Json.array(json.get(WARNINGS), WARNINGS)) {
        if (!(warning instanceof String)) {
          throw new JsonException("a warning is no text");
        }
        warnings.add((String) warning);
      }
    }
    return new QualitySummary(figures, warnings);
  }
}
