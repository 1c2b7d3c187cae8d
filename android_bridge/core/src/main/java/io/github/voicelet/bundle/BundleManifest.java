package io.github.voicelet.bundle;

import io.github.voicelet.BundleException;
import io.github.voicelet.BundleVersionException;
import io.github.voicelet.ConfigException;
import io.github.voicelet.config.Fields;
import io.github.voicelet.json.Json;
import io.github.voicelet.json.JsonException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * {@code manifest.json}: everything a runtime must know of a voice before it opens a file of it.
 *
 * <p>It is read strictly, as {@code voicelet.bundle.manifest} does: an unknown key, a missing one, a file name that leaves the
 * bundle or statistics of the wrong length is refused. A manifest of a newer schema is told apart from a broken one.
 */
public final class BundleManifest {
  /** Raised by one whenever an older runtime could misread a manifest. */
  public static final int SCHEMA_VERSION = 1;

  static final String FILE = "manifest.json";
  static final String SIGNATURE_FILE = "manifest.sig";
  static final int MAX_MANIFEST_BYTES = 1 << 20;
  /** No file and no bundle is larger. */
  static final int MAX_BUNDLE_BYTES = 256 << 20;

  private static final int MAX_RATE_HZ = 384_000;
  private static final int MAX_FFT = 1 << 16;
  private static final int MAX_MELS = 1024;
  private static final int MAX_CONTEXT = 4096;
  private static final double MAX_LABEL_DELAY = 24.0;

  private final Map<String, Object> fields;
  private final String name;
  private final Map<String, Map<String, ListedFile>> graphs = new LinkedHashMap<>();
  private final Map<String, ListedFile> data = new LinkedHashMap<>();
  private final Map<String, ListedFile> files = new TreeMap<>();

  /**
   * Read one.
   *
   * @param where names it in messages.
   * @throws BundleVersionException its schema is one that this runtime doesn't know.
   * @throws BundleException it isn't a manifest, or says something impossible.
   */
  static BundleManifest parse(byte[] raw, String where) {
    Map<String, Object> fields;
    try {
      fields = Json.parseObject(raw);
      refuseHalfCharacters(fields);
    } catch (JsonException e) {
      throw new BundleException(
          where + ": not a manifest (" + e.getMessage() + "); fetch or export the bundle again", e);
    }
    checkVersion(fields.get("schema_version"), where);
    try {
      return new BundleManifest(fields, where);
    } catch (ConfigException e) {
      throw new BundleException(e.getMessage(), e);
    }
  }

  private static void checkVersion(Object version, String where) {
    if (!(version instanceof Long)) {
      throw new BundleException(where + ": schema_version is missing or not a number");
    }
    if ((Long) version > SCHEMA_VERSION) {
      throw new BundleVersionException(
          where
              + ": the bundle has schema "
              + version
              + ", this voicelet reads up to "
              + SCHEMA_VERSION
              + "; upgrade voicelet");
    }
    if ((Long) version < 1) {
      throw new BundleVersionException(where + ": there is no schema " + version + "; export the bundle again");
    }
  }

  private BundleManifest(Map<String, Object> manifest, String where) {
    fields = frozen(manifest);
    Fields all =
        new Fields(
            manifest, where, "schema_version", "name", "version", "languages", "sample_rate_hz", "features", "statistics",
            "phones", "graphs", "data", "presets", "licence", "model_card", "provenance", "measured", "architecture");
    name = all.text("name");
    all.text("version");
    all.texts("languages");
    all.text("licence", "");
    all.text("architecture", "");
    checkFeatures(all);
    checkPhones(all);
    for (Map.Entry<String, Object> graph : all.mapping("graphs", false).entrySet()) {
      graphs.put(graph.getKey(), graph(graph.getValue(), all.place("graphs") + "." + graph.getKey()));
    }
    for (Map.Entry<String, Object> file : all.mapping("data", true).entrySet()) {
      String place = all.place("data") + "." + file.getKey();
      data.put(file.getKey(), listed(new ListedFile(new Fields(file.getValue(), place, "file", "sha256", "bytes"))));
    }
    String card = all.text("model_card", "");
    if (!card.isEmpty() && !data.containsKey(card)) {
      throw all.error("model_card names '" + card + "', which data lacks");
    }
    checkPresets(all);
    checkWords(all);
    long total = 0;
    for (ListedFile file : files.values()) {
      total += file.bytes;
    }
    if (total > MAX_BUNDLE_BYTES) {
      throw all.error("the files add up to more than " + (MAX_BUNDLE_BYTES >> 20) + " MB");
    }
  }

  private static void checkFeatures(Fields all) {
    Fields features =
        new Fields(
            all.needed("features"), all.place("features"), "sample_rate_hz", "n_fft", "win_length", "hop_length", "n_mels",
            "f_min_hz", "f_max_hz");
    long rate = features.whole("sample_rate_hz", 1, MAX_RATE_HZ, 24_000);
    long fft = features.whole("n_fft", 1, MAX_FFT, 2048);
    long window = features.whole("win_length", 1, fft, 1200);
    features.whole("hop_length", 1, window, 300);
    long mels = features.whole("n_mels", 1, MAX_MELS, 80);
    features.number("f_min_hz", 0.0);
    if (window > fft) {
      throw features.error("need 0 < hop_length <= win_length <= n_fft");
    }
    if (features.number("f_max_hz", 12_000.0) > rate / 2.0) {
      throw features.error("f_max_hz lies above half the sample rate");
    }
    if (all.whole("sample_rate_hz", 1, MAX_RATE_HZ) != rate) {
      throw all.error("sample_rate_hz and features.sample_rate_hz differ");
    }
    checkStatistics(
        new Fields(
            all.needed("statistics"), all.place("statistics"), "mel_mean", "mel_std", "pitch_scale", "speaker_size",
            "label_delay_frames"),
        mels);
  }

  private static void checkStatistics(Fields statistics, long mels) {
    double[] deviations = statistics.numbers("mel_std");
    if (statistics.numbers("mel_mean").length != mels || deviations.length != mels) {
      throw statistics.error("mel_mean and mel_std must hold " + mels + " values");
    }
    double least = statistics.number("pitch_scale", 0.25);
    for (double deviation : deviations) {
      least = Math.min(least, deviation);
    }
    if (least <= 0) {
      throw statistics.error("mel_std and pitch_scale must be positive");
    }
    statistics.whole("speaker_size", Long.MIN_VALUE, Long.MAX_VALUE, 0);
    double delay = statistics.number("label_delay_frames", 4.5);
    if (delay < 0 || delay > MAX_LABEL_DELAY) {
      throw statistics.error("label_delay_frames must lie between 0 and 24");
    }
  }

  private static void checkPhones(Fields all) {
    String phones = all.text("phones");
    Set<Integer> distinct = new HashSet<>();
    int count = 0;
    for (int i = 0; i < phones.length(); i += Character.charCount(phones.codePointAt(i))) {
      distinct.add(phones.codePointAt(i));
      count++;
    }
    if (count == 0 || distinct.size() != count) {
      throw all.error("phones must be symbols that differ from one another");
    }
  }

  private Map<String, ListedFile> graph(Object value, String place) {
    Fields graph = new Fields(value, place, "alternatives", "context_frames");
    graph.whole("context_frames", 0, MAX_CONTEXT, 0);
    Map<String, ListedFile> forms = new LinkedHashMap<>();
    int number = 0;
    for (Object item : graph.list("alternatives")) {
      Fields form =
          new Fields(
              item, graph.place("alternatives") + "[" + number++ + "]", "file", "sha256", "bytes", "engine", "inputs",
              "outputs", "precision");
      form.text("precision", "");
      checkTensors(form, "inputs");
      checkTensors(form, "outputs");
      ListedFile file = listed(new ListedFile(form));
      String engine = form.text("engine");
      if (!forms.containsKey(engine)) { // the preferred one comes first
        forms.put(engine, file);
      }
    }
    if (forms.isEmpty()) {
      throw graph.error("a graph needs at least one file");
    }
    return forms;
  }

  private static void checkTensors(Fields form, String name) {
    int number = 0;
    for (Object item : form.list(name)) {
      Fields tensor = new Fields(item, form.place(name) + "[" + number++ + "]", "name", "dtype", "shape");
      tensor.text("name");
      tensor.text("dtype");
      for (Object length : tensor.list("shape")) {
        if (!(length instanceof Long) && !(length instanceof String)) {
          throw tensor.error("a shape holds lengths and names of axes");
        }
      }
    }
  }

  private ListedFile listed(ListedFile file) {
    ListedFile first = files.get(file.file);
    if (first == null) {
      files.put(file.file, file);
    } else if (!first.sha256.equals(file.sha256) || first.bytes != file.bytes) {
      throw new ConfigException(file.file + " is listed twice and differently");
    }
    return file;
  }

  private static void checkPresets(Fields all) {
    Set<String> names = new HashSet<>();
    List<?> presets = all.has("presets") ? all.list("presets") : Collections.emptyList();
    for (Object item : presets) {
      Fields preset =
          new Fields(item, all.place("presets") + "[" + names.size() + "]", "name", "index", "description", "licence");
      preset.whole("index", Long.MIN_VALUE, Long.MAX_VALUE);
      preset.text("description", "");
      preset.text("licence", "");
      if (!names.add(preset.text("name"))) {
        throw preset.error("two presets have the same name");
      }
    }
  }

  private static void checkWords(Fields all) {
    Map<String, Object> provenance = all.mapping("provenance", true);
    Fields texts = new Fields(provenance, all.place("provenance"), provenance.keySet().toArray(new String[0]));
    for (String key : provenance.keySet()) {
      texts.text(key);
    }
    Map<String, Object> measured = all.mapping("measured", true);
    Fields figures = new Fields(measured, all.place("measured"), measured.keySet().toArray(new String[0]));
    for (String key : measured.keySet()) {
      figures.number(key);
    }
  }

  private static void refuseHalfCharacters(Object value) {
    if (value instanceof String) {
      String text = (String) value;
      for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
        int code = text.codePointAt(i);
        if (code >= Character.MIN_SURROGATE && code <= Character.MAX_SURROGATE) {
          throw new JsonException("a text in it isn't Unicode (half a character)");
        }
      }
    } else if (value instanceof Map) {
      for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
        refuseHalfCharacters(entry.getKey());
        refuseHalfCharacters(entry.getValue());
      }
    } else if (value instanceof List) {
      for (Object item : (List<?>) value) {
        refuseHalfCharacters(item);
      }
    }
  }

  /** A copy that nobody can change: what was checked is what is handed out. */
  private static Map<String, Object> frozen(Map<?, ?> map) {
    Map<String, Object> copy = new LinkedHashMap<>();
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      copy.put((String) entry.getKey(), frozenValue(entry.getValue()));
    }
    return Collections.unmodifiableMap(copy);
  }

  private static Object frozenValue(Object value) {
    if (value instanceof Map) {
      return frozen((Map<?, ?>) value);
    }
    if (value instanceof List) {
      List<Object> copy = new ArrayList<>();
      for (Object item : (List<?>) value) {
        copy.add(frozenValue(item));
      }
      return Collections.unmodifiableList(copy);
    }
    return value;
  }

  /** Its fields, as {@link Json} reads them; nobody can change them. */
  public Map<String, Object> fields() {
    return fields;
  }

  /** Of the voice. */
  public String name() {
    return name;
  }

  /** Role → engine → file, the preferred one first. */
  Map<String, Map<String, ListedFile>> graphs() {
    return graphs;
  }

  /** Role → file. */
  Map<String, ListedFile> data() {
    return data;
  }

  /** Every file once, by name. */
  Collection<ListedFile> files() {
    return files.values();
  }
}
