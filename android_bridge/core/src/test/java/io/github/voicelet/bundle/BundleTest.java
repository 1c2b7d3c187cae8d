package io.github.voicelet.bundle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.voicelet.BundleException;
import io.github.voicelet.BundleTamperedException;
import io.github.voicelet.BundleUnsignedException;
import io.github.voicelet.ConfigException;
import io.github.voicelet.EngineException;
import io.github.voicelet.json.Json;
import io.github.voicelet.synth.VoiceFiles;
import io.github.voicelet.trust.TrustGolden;
import io.github.voicelet.trust.keys.SigningKey;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bundles that Python made, changed and judged, and the one that ships. */
class BundleTest {
  private static final Path VOICES = Paths.get(System.getProperty("voicelet.repository"), "sdk/voicelet/voices");

  /** Numbers that aren't any: Python's JSON reads them among the figures, and Java's reads none at all. */
  private static final Set<String> STRICTER = new HashSet<>(Arrays.asList("a number past a double", "NaN"));

  @TempDir Path folder;

  /** Files in memory. */
  private static final class MemoryFiles implements BundleFiles {
    final Map<String, byte[]> files = new HashMap<>();

    @Override
    public InputStream open(String name) {
      byte[] data = files.get(name);
      return data == null ? null : new ByteArrayInputStream(data);
    }

    @Override
    public String place() {
      return "memory";
    }
  }

  private static MemoryFiles sound() {
    MemoryFiles out = new MemoryFiles();
    TrustGolden.object("bundles", "files").forEach((name, data) -> out.files.put(name, TrustGolden.bytes(data)));
    return out;
  }

  private static MemoryFiles of(Map<String, Object> row) {
    MemoryFiles out = sound();
    out.files.remove(BundleManifest.FILE);
    out.files.remove(BundleManifest.SIGNATURE_FILE);
    for (Object name : Json.array(row.get("missing"), "missing")) {
      out.files.remove(name);
    }
    Json.object(row.get("files"), "files").forEach((name, data) -> out.files.put(name, TrustGolden.bytes(data)));
    return out;
  }

  private static BundleTrust trust(Map<String, Object> options) {
    BundleTrust trust = BundleTrust.packaged();
    if (options.containsKey("trusted_keys")) {
      String[] keys = Json.array(options.get("trusted_keys"), "keys").toArray(new String[0]);
      trust = trust.onlySignedBy(Arrays.asList(keys));
    }
    trust = options.containsKey("require_signature") ? trust.requiringSignature() : trust;
    return options.containsKey("trust_bundle") ? trust.vouchedFor() : trust;
  }

  @Test
  void judgesFoldersAndManifestsAsPythonDoes() {
    int sound = 0;
    int refused = 0;
    Map<String, Object> golden = TrustGolden.object("bundles");
    for (String kind : new String[] {"folders", "manifests"}) {
      for (Map<String, Object> row : TrustGolden.rows(golden, kind)) {
        String name = (String) row.get("name");
        Bundle[] opened = new Bundle[1];
        String error =
            TrustGolden.failure(
                () -> opened[0] = Bundle.open(of(row), trust(Json.object(row.get("options"), "options"))));
        assertEquals(STRICTER.contains(name) ? "Bundle" : row.get("error"), error, name);
        if (error == null) {
          assertEquals(row.get("signed_by"), opened[0].signedBy(), name);
          assertEquals(row.get("trusted_by"), opened[0].trustedBy(), name);
          sound++;
        } else {
          refused++;
        }
      }
    }
    assertTrue(sound > 20 && refused > 80, sound + " sound, " + refused + " refused");
  }

  @Test
  void judgesArchivesAsPythonDoesAndLeavesNothingBehind() throws IOException {
    int rows = 0;
    for (Map<String, Object> row : TrustGolden.rows(TrustGolden.object("bundles"), "archives")) {
      Path archive = Files.write(folder.resolve("a.voicelet"), TrustGolden.bytes(row.get("archive")));
      File target = folder.resolve("installed/" + rows++).toFile();
      String error =
          TrustGolden.failure(() -> BundleArchive.install(archive.toFile(), target, BundleTrust.packaged()));
      assertEquals(row.get("error"), error, (String) row.get("name"));
      assertEquals(error == null, target.exists(), (String) row.get("name"));
      assertFalse(Files.exists(folder.resolve("evil")) || Files.exists(folder.resolve("installed/evil")));
    }
    String[] left = folder.resolve("installed").toFile().list((where, name) -> name.startsWith("."));
    assertEquals(0, left.length);
    assertEquals(16, rows);
  }

  @Test
  void anArchiveThatIsRefusedLeavesTheOldBundle() throws IOException {
    List<Map<String, Object>> rows = TrustGolden.rows(TrustGolden.object("bundles"), "archives");
    Path archive = Files.write(folder.resolve("a.voicelet"), TrustGolden.bytes(rows.get(0).get("archive")));
    File target = folder.resolve("bundle").toFile();
    BundleTrust maker =
        BundleTrust.packaged().onlySignedBy(Collections.singleton(SigningKey.of(TrustGolden.seed(4)).id()));
    assertEquals("key", BundleArchive.install(archive.toFile(), target, maker).trustedBy());
    BundleTrust other =
        BundleTrust.packaged().onlySignedBy(Collections.singleton(SigningKey.of(TrustGolden.seed(2)).id()));
    assertThrows(BundleTamperedException.class, () -> BundleArchive.install(archive.toFile(), target, other));
    assertEquals("key", Bundle.open(target, maker).trustedBy());
    assertEquals("key", BundleArchive.install(archive.toFile(), target, maker).trustedBy());
  }

  @Test
  void aBundleThatWasMovedAsideWhenTheAppWasKilledIsPutBack() throws IOException {
    List<Map<String, Object>> rows = TrustGolden.rows(TrustGolden.object("bundles"), "archives");
    Path archive = Files.write(folder.resolve("a.voicelet"), TrustGolden.bytes(rows.get(0).get("archive")));
    Path bundles = folder.resolve("bundles");
    BundleArchive.install(archive.toFile(), bundles.resolve("old").toFile(), BundleTrust.packaged());
    Files.createDirectories(bundles.resolve(".outgoing-0/x").getParent());
    Files.move(bundles.resolve("old"), bundles.resolve(".outgoing-0/old"));
    Files.createDirectories(bundles.resolve(".incoming-0"));
    Files.createDirectories(bundles.resolve(".incoming-1"));
    for (String name : new String[] {".outgoing-0", ".incoming-0"}) {
      assertTrue(bundles.resolve(name).toFile().setLastModified(1_000_000));
    }
    BundleArchive.install(archive.toFile(), bundles.resolve("new").toFile(), BundleTrust.packaged());
    assertEquals("golden", Bundle.open(bundles.resolve("old").toFile(), BundleTrust.packaged()).manifest().name());
    String[] left = bundles.toFile().list();
    Arrays.sort(left);
    assertArrayEquals(new String[] {".incoming-1", "new", "old"}, left); // another app may be at work in the young one
  }

  @Test
  void theVoiceThatShipsIsVouchedForByThePackageUntilAByteOfItChanges() throws IOException {
    Bundle shipped = Bundle.open(VOICES.resolve("default").toFile(), BundleTrust.packaged().requiringSignature());
    assertEquals("package", shipped.trustedBy());
    assertTrue(BundleTrust.packagedKeys().contains(shipped.signedBy()));
    VoiceFiles files = shipped.voiceFiles();
    for (String role : new String[] {"acoustic_encoder", "acoustic_decoder", "vocoder", "g2p"}) {
      ByteBuffer graph = files.graph(role);
      byte[] bytes = new byte[graph.remaining()];
      graph.get(bytes);
      assertArrayEquals(Files.readAllBytes(VOICES.resolve("default/" + role + ".onnx")), bytes, role);
      assertTrue(graph.isDirect());
    }
    assertThrows(BundleException.class, () -> files.graph("vocoders"));
    assertThrows(BundleException.class, () -> files.data("lexicons"));
    assertThrows(UnsupportedOperationException.class, () -> files.manifest().clear());
    MemoryFiles changed = new MemoryFiles();
    for (File file : VOICES.resolve("default").toFile().listFiles()) {
      changed.files.put(file.getName(), Files.readAllBytes(file.toPath()));
    }
    for (Map.Entry<String, byte[]> file : changed.files.entrySet()) {
      int middle = file.getValue().length / 2;
      file.getValue()[middle] ^= 1;
      assertThrows(BundleTamperedException.class, () -> Bundle.open(changed, BundleTrust.packaged()), file.getKey());
      file.getValue()[middle] ^= 1;
    }
    assertEquals("package", Bundle.open(changed, BundleTrust.packaged()).trustedBy());
  }

  @Test
  void whatIsHandedOutIsWhatWasCheckedThoughTheFileChangesLater() {
    MemoryFiles files = sound();
    VoiceFiles voice = Bundle.open(files, BundleTrust.packaged().vouchedFor()).voiceFiles();
    ByteBuffer graph = voice.graph("vocoder");
    byte[] before = files.files.get("vocoder.onnx").clone();
    files.files.get("vocoder.onnx")[100] ^= 1;
    byte[] handed = new byte[graph.remaining()];
    graph.get(handed);
    assertArrayEquals(before, handed);
    assertThrows(BundleTamperedException.class, () -> voice.graph("vocoder"));
    files.files.remove("vocoder.onnx");
    assertThrows(BundleException.class, () -> voice.graph("vocoder"));
  }

  @Test
  void aBundleThatNobodyVouchesForDoesntSpeak() throws IOException {
    Bundle bundle = Bundle.open(sound(), BundleTrust.packaged());
    assertNull(bundle.trustedBy());
    assertThrows(BundleUnsignedException.class, bundle::voiceFiles);
    Path keys = folder.resolve("trusted_keys.txt");
    BundleTrust none = BundleTrust.packaged().withKeysOf(keys.toFile());
    assertNull(Bundle.open(sound(), none).trustedBy());
    Files.write(keys, ("\n" + bundle.signedBy().toUpperCase() + "\r\n\n").getBytes(StandardCharsets.UTF_8));
    assertEquals("key", Bundle.open(sound(), BundleTrust.packaged().withKeysOf(keys.toFile())).trustedBy());
    Files.write(keys, "a key\n".getBytes(StandardCharsets.UTF_8));
    assertThrows(ConfigException.class, () -> BundleTrust.packaged().withKeysOf(keys.toFile()));
    Files.write(keys, new byte[1 << 17]);
    assertThrows(ConfigException.class, () -> BundleTrust.packaged().withKeysOf(keys.toFile()));
  }

  @Test
  void aGraphForAnotherEngineIsToldApartFromNone() {
    Map<String, byte[]> all = new LinkedHashMap<>(sound().files);
    MemoryFiles files = new MemoryFiles();
    String manifest = new String(all.get(BundleManifest.FILE), StandardCharsets.UTF_8);
    byte[] other = manifest.replace("\"onnx\"", "\"litert\"").getBytes(StandardCharsets.UTF_8);
    files.files.putAll(all);
    files.files.put(BundleManifest.FILE, other);
    files.files.put(BundleManifest.SIGNATURE_FILE, ManifestSignature.sign(other, SigningKey.of(TrustGolden.seed(2))));
    VoiceFiles voice = Bundle.open(files, BundleTrust.packaged().vouchedFor()).voiceFiles();
    assertThrows(EngineException.class, () -> voice.graph("vocoder"));
  }

  @Test
  void signsToTheSameBytesAsPython() {
    Map<String, byte[]> files = sound().files;
    byte[] manifest = files.get(BundleManifest.FILE);
    assertArrayEquals(
        files.get(BundleManifest.SIGNATURE_FILE), ManifestSignature.sign(manifest, SigningKey.of(TrustGolden.seed(4))));
  }
}
