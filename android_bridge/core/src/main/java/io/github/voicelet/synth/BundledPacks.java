package io.github.voicelet.synth;

import io.github.voicelet.BundleException;
import io.github.voicelet.PackException;
import io.github.voicelet.json.Json;
import io.github.voicelet.text.pack.PackFiles;
import io.github.voicelet.text.pack.PackLibrary;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Packs inside a voice bundle: {@code text/<tag>/…}, listed in its manifest and signed with it. */
final class BundledPacks implements PackLibrary {
  private static final Pattern FILE = Pattern.compile("text/([a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3})/(.+)");
  private static final String SETTINGS = "pack.json";
  private static final String MANIFEST = "manifest.json"; // of a pack that is a bundle of its own

  private final VoiceFiles files;
  private final Map<String, List<String>> packs = new TreeMap<>();

  BundledPacks(VoiceFiles files) {
    this.files = files;
    Object data = files.manifest().get("data");
    if (data != null) {
      for (Map.Entry<String, Object> entry : Json.object(data, "data").entrySet()) {
        String file = String.valueOf(Json.object(entry.getValue(), entry.getKey()).get("file"));
        Matcher match = FILE.matcher(file);
        if (file.equals(entry.getKey()) && match.matches()) {
          add(match.group(1), match.group(2));
        }
      }
    }
    List<String> incomplete = new ArrayList<>();
    for (Map.Entry<String, List<String>> pack : packs.entrySet()) {
      if (!pack.getValue().contains(SETTINGS) || pack.getValue().contains(MANIFEST)) {
        incomplete.add(pack.getKey());
      }
    }
    packs.keySet().removeAll(incomplete);
  }

  private void add(String tag, String name) {
    List<String> names = packs.get(tag);
    if (names == null) {
      names = new ArrayList<>();
      packs.put(tag, names);
    }
    names.add(name);
  }

  @Override
  public List<String> tags() {
    return new ArrayList<>(packs.keySet());
  }

  @Override
  public boolean isKnown() {
    return false;
  }

  @Override
  public PackFiles find(String tag) {
    List<String> names = packs.get(tag);
    if (names == null) {
      return null;
    }
    return new PackFiles() {
      @Override
      public byte[] read(String name) {
        return names.contains(name) ? bytes("text/" + tag + "/" + name) : null;
      }

      @Override
      public List<String> names() {
        return Collections.unmodifiableList(names);
      }

      @Override
      public String place() {
        return "bundle/text/" + tag;
      }
    };
  }

  private byte[] bytes(String role) {
    try {
      ByteBuffer file = files.data(role);
      byte[] bytes = new byte[file.remaining()];
      file.get(bytes);
      return bytes;
    } catch (BundleException e) {
      throw new PackException(e.getMessage(), e);
    }
  }
}
