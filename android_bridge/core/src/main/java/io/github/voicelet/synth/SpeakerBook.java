package io.github.voicelet.synth;

import io.github.voicelet.BundleException;
import io.github.voicelet.ConfigException;
import io.github.voicelet.ProfileException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Whom a voice speaks as: speaker vectors by name, and the way from a profile to one.  Immutable. */
final class SpeakerBook {
  private static final int F0_INDEX = 256;
  private static final float MIN_LOG_F0 = 3f;
  private static final float MAX_LOG_F0 = 7.5f;
  private static final Pattern HEADER =
      Pattern.compile("'descr': '<f4', 'fortran_order': False, 'shape': \\(([0-9]{1,6}), ([0-9]{1,6})\\)");

  private final VoiceManifest manifest;
  private final Map<String, float[]> vectors = new LinkedHashMap<>();

  /**
   * Read the presets.
   *
   * @param npy the data file "presets", float32 [n, size] in numpy's format; null where there are none.
   * @throws BundleException they are damaged.
   */
  SpeakerBook(VoiceManifest manifest, ByteBuffer npy) {
    this.manifest = manifest;
    if (manifest.presets.isEmpty()) {
      return;
    }
    try {
      float[][] table = table(npy);
      for (Map.Entry<String, Integer> preset : manifest.presets.entrySet()) {
        if (preset.getValue() >= table.length) {
          throw new BundleException("there is no row " + preset.getValue() + " for '" + preset.getKey() + "'");
        }
        vectors.put(preset.getKey(), checked(table[preset.getValue()]));
      }
    } catch (BundleException | ProfileException | BufferUnderflowException | IllegalArgumentException e) {
      throw new BundleException("the presets can't be read (" + e.getMessage() + "); install the voice again", e);
    }
  }

  private static float[][] table(ByteBuffer npy) {
    ByteBuffer bytes = npy.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    byte[] magic = new byte[8];
    bytes.get(magic);
    if (!Arrays.equals(magic, new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0})) {
      throw new BundleException("no array of numpy's");
    }
    byte[] header = new byte[bytes.getShort() & 0xFFFF];
    bytes.get(header);
    Matcher shape = HEADER.matcher(new String(header, StandardCharsets.ISO_8859_1));
    if (!shape.find()) {
      throw new BundleException("not a table of float32");
    }
    int rows = Integer.parseInt(shape.group(1));
    int columns = Integer.parseInt(shape.group(2));
    if (bytes.remaining() != 4L * rows * columns) {
      throw new BundleException("the table isn't as long as it says");
    }
    float[][] table = new float[rows][columns];
    for (float[] row : table) {
      for (int i = 0; i < columns; i++) {
        row[i] = bytes.getFloat();
      }
    }
    return table;
  }

  /** The presets, the default first. */
  List<String> names() {
    return Collections.unmodifiableList(new ArrayList<>(vectors.keySet()));
  }

  /** Whether a speaker vector is one that the voice was trained with. */
  boolean isPreset(float[] vector) {
    for (float[] own : vectors.values()) {
      if (Arrays.equals(own, vector)) {
        return true;
      }
    }
    return false;
  }

  /**
   * The vector of a profile or a preset; of the first preset without either.
   *
   * @throws ConfigException both are given, or there is no such preset.
   * @throws ProfileException the profile doesn't fit this voice.
   */
  float[] vector(Speaker profile, String preset) {
    if (profile != null && preset != null) {
      throw new ConfigException("give a profile or a preset, not both");
    }
    if (profile != null) {
      return checked(profile.speakerVector(manifest.melMean.clone(), manifest.melStd.clone()));
    }
    if (preset == null) {
      if (vectors.isEmpty()) {
        throw new ConfigException("this voice has no presets; give a profile");
      }
      return vectors.values().iterator().next();
    }
    float[] vector = vectors.get(preset);
    if (vector == null) {
      throw new ConfigException("no preset '" + preset + "'; this voice has " + vectors.keySet());
    }
    return vector;
  }

  private float[] checked(float[] vector) {
    if (vector.length != manifest.speakerSize) {
      throw new ProfileException(
          "the speaker vector has " + vector.length + " numbers, this voice takes " + manifest.speakerSize
              + "; enrol the voice again");
    }
    float[] copy = vector.clone();
    for (float value : copy) {
      if (!GraphChecks.isFinite(value)) {
        throw new ProfileException("the speaker vector is out of range; enrol the voice again");
      }
    }
    if (!(copy[F0_INDEX] > MIN_LOG_F0 && copy[F0_INDEX] < MAX_LOG_F0)) {
      throw new ProfileException("the speaker vector is out of range; enrol the voice again");
    }
    return copy;
  }
}
