package io.github.voicelet.synth;

import io.github.voicelet.BundleException;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What synthesis needs of a bundle's manifest. */
final class VoiceManifest {
  private static final String ARCHITECTURE = "voicelet";
  private static final double USUAL_LABEL_DELAY_FRAMES = 4.5;

  final String name;
  final String version;
  final List<String> languages;
  final String phones;
  final Features features;
  final float[] melMean;
  final float[] melStd;
  final double pitchScale;
  final int speakerSize;
  final double labelDelayFrames;
  /** Name of a preset → its row, the default first. */
  final Map<String, Integer> presets;
  /** Role → frames on each side that an output frame depends on. */
  final Map<String, Integer> contextFrames;
  /** Role → the hashes of its forms. */
  final Map<String, List<String>> hashes;
  final int vocoderBins;

  /** What a mel frame is. */
  static final class Features {
    final int rateHz;
    final int hop;
    final int window;
    final int mels;
    final double lowHz;
    final double highHz;

    Features(Map<String, Object> fields) {
      rateHz = whole(fields, "sample_rate_hz");
      hop = whole(fields, "hop_length");
      window = whole(fields, "win_length");
      mels = whole(fields, "n_mels");
      lowHz = number(fields, "f_min_hz", 0.0);
      highHz = number(fields, "f_max_hz", 12000.0);
    }
  }

  /**
   * Read it.
   *
   * @throws BundleException something is missing, or it is the manifest of another kind of voice.
   */
  VoiceManifest(Map<String, Object> manifest) {
    try {
      String architecture = text(manifest.getOrDefault("architecture", ARCHITECTURE), "architecture");
      name = text(manifest.get("name"), "name");
      if (!architecture.equals(ARCHITECTURE)) {
        throw new BundleException(
            "bundle '" + name + "' is of the architecture '" + architecture + "'; this voicelet speaks " + ARCHITECTURE);
      }
      version = text(manifest.get("version"), "version");
      phones = text(manifest.get("phones"), "phones");
      List<String> tags = new ArrayList<>();
      for (Object tag : Json.array(manifest.get("languages"), "languages")) {
        tags.add(text(tag, "a language"));
      }
      languages = Collections.unmodifiableList(tags);
      features = new Features(Json.object(manifest.get("features"), "features"));
      Map<String, Object> statistics = Json.object(manifest.get("statistics"), "statistics");
      melMean = floats(statistics.get("mel_mean"), "mel_mean");
      melStd = floats(statistics.get("mel_std"), "mel_std");
      if (melMean.length != features.mels || melStd.length != features.mels) {
        throw new BundleException("the statistics aren't of as many bands as the features; use another bundle");
      }
      pitchScale = number(statistics, "pitch_scale", 0.25);
      speakerSize = (int) number(statistics, "speaker_size", 0);
      labelDelayFrames = number(statistics, "label_delay_frames", USUAL_LABEL_DELAY_FRAMES);
      Map<String, Integer> rows = new LinkedHashMap<>();
      for (Object item : Json.array(manifest.getOrDefault("presets", Collections.emptyList()), "presets")) {
        Map<String, Object> preset = Json.object(item, "a preset");
        rows.put(text(preset.get("name"), "a preset's name"), whole(preset, "index"));
      }
      presets = Collections.unmodifiableMap(rows);
      Map<String, Integer> contexts = new LinkedHashMap<>();
      Map<String, List<String>> digests = new LinkedHashMap<>();
      int bins = 0;
      Map<String, Object> graphs = Json.object(manifest.get("graphs"), "graphs");
      for (Map.Entry<String, Object> entry : graphs.entrySet()) {
        Map<String, Object> graph = Json.object(entry.getValue(), "a graph");
        contexts.put(entry.getKey(), (int) number(graph, "context_frames", 0));
        List<String> forms = new ArrayList<>();
        for (Object item : Json.array(graph.get("alternatives"), "alternatives")) {
          Map<String, Object> form = Json.object(item, "a form of a graph");
          forms.add(text(form.get("sha256"), "sha256"));
          if (entry.getKey().equals("vocoder")) {
            bins = vocoderBins(form);
          }
        }
        digests.put(entry.getKey(), forms);
      }
      contextFrames = Collections.unmodifiableMap(contexts);
      hashes = Collections.unmodifiableMap(digests);
      vocoderBins = bins;
    } catch (JsonException e) {
      throw new BundleException("the manifest isn't one of a voice (" + e.getMessage() + "); install it again", e);
    }
  }

  private static int vocoderBins(Map<String, Object> form) {
    for (Object item : Json.array(form.get("outputs"), "outputs")) {
      Map<String, Object> tensor = Json.object(item, "an output");
      List<Object> shape = Json.array(tensor.get("shape"), "a shape");
      boolean isFilter = "noise_log_magnitude".equals(tensor.get("name"));
      if (isFilter && shape.size() == 3 && shape.get(2) instanceof Long) {
        return (int) Math.min(Integer.MAX_VALUE, (Long) shape.get(2));
      }
    }
    throw new BundleException("the vocoder doesn't say how many bins it has; use another bundle");
  }

  private static String text(Object value, String what) {
    if (!(value instanceof String)) {
      throw new JsonException(what + " must be a string");
    }
    return (String) value;
  }

  private static int whole(Map<String, Object> fields, String name) {
    Object value = fields.get(name);
    if (!(value instanceof Long) || (Long) value < 0 || (Long) value > 1 << 24) {
      throw new JsonException(name + " must be a whole number");
    }
    return ((Long) value).intValue();
  }

  private static double number(Map<String, Object> fields, String name, double usual) {
    Object value = fields.getOrDefault(name, usual);
    if (!(value instanceof Number)) {
      throw new JsonException(name + " must be a number");
    }
    return ((Number) value).doubleValue();
  }

  private static float[] floats(Object value, String what) {
    List<Object> numbers = Json.array(value, what);
    float[] out = new float[numbers.size()];
    for (int i = 0; i < out.length; i++) {
      if (!(numbers.get(i) instanceof Number)) {
        throw new JsonException(what + " must hold numbers");
      }
      out[i] = ((Number) numbers.get(i)).floatValue();
    }
    return out;
  }
}
