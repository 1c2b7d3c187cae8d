package io.github.voicelet.bundle;

import io.github.voicelet.BundleException;
import io.github.voicelet.BundleTamperedException;
import io.github.voicelet.BundleUnsignedException;
import io.github.voicelet.EngineException;
import io.github.voicelet.files.OwnFiles;
import io.github.voicelet.synth.VoiceFiles;
import io.github.voicelet.text.pack.Nearest;
import io.github.voicelet.trust.keys.Hex;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Map;

/**
 * A verified bundle: manifest, signature and the hash of every file were checked before anybody got it.
 *
 * <p>What was checked then may have been changed since. So a file's bytes are hashed once more when they are handed out, and
 * handed out from memory, where they can't change any more. Threads may share one.
 */
public final class Bundle {
  private static final int BLOCK_BYTES = 1 << 16;
  private static final int MAX_SIGNATURE_BYTES = 1 << 16;
  private static final String ONNX = "onnx";

  private final BundleFiles files;
  private final BundleManifest manifest;
  private final String signedBy;
  private final String trustedBy;

  private Bundle(BundleFiles files, BundleManifest manifest, String signedBy, String trustedBy) {
    this.files = files;
    this.manifest = manifest;
    this.signedBy = signedBy;
    this.trustedBy = trustedBy;
  }

  /** {@link #open(BundleFiles, BundleTrust)} of a folder. */
  public static Bundle open(File folder, BundleTrust trust) {
    return open(new BundleFolder(folder), trust);
  }

  /**
   * Open and verify a bundle.
   *
   * @throws io.github.voicelet.BundleVersionException made for a newer voicelet.
   * @throws BundleTamperedException not what its manifest or signature says, or by another signer than was asked for.
   * @throws io.github.voicelet.BundleTruncatedException a file is shorter than listed.
   * @throws BundleUnsignedException no signature where one is required.
   * @throws BundleException not a bundle, or it can't be read.
   */
  public static Bundle open(BundleFiles files, BundleTrust trust) {
    byte[] raw = read(files, BundleManifest.FILE, BundleManifest.MAX_MANIFEST_BYTES);
    String where = files.place() + "/" + BundleManifest.FILE;
    if (raw == null) {
      throw new BundleException(where + ": no such file; fetch or export the bundle again");
    }
    String signedBy = signer(raw, read(files, BundleManifest.SIGNATURE_FILE, MAX_SIGNATURE_BYTES), trust, files.place());
    BundleManifest manifest = BundleManifest.parse(raw, where);
    for (ListedFile file : manifest.files()) {
      verified(files, file, null);
    }
    return new Bundle(files, manifest, signedBy, trust.voucher(signedBy));
  }

  private static String signer(byte[] manifest, byte[] signature, BundleTrust trust, String place) {
    String where = place + "/" + BundleManifest.SIGNATURE_FILE;
    if (signature == null) {
      if (trust.requiresSignature()) {
        throw new BundleUnsignedException(
            where
                + ": the bundle isn't signed and a signature is required; get a signed one, or open it without requiring"
                + " a signature if you trust where it came from");
      }
      return null;
    }
    String signer = ManifestSignature.signer(manifest, signature, where);
    if (trust.refuses(signer)) {
      throw new BundleTamperedException(
          where + ": signed by " + signer + ", which isn't a trusted key; add that key if you trust its owner");
    }
    return signer;
  }

  /** What it holds. */
  public BundleManifest manifest() {
    return manifest;
  }

  /** The signer's public key, 64 hexadecimal digits; null if it isn't signed. */
  public String signedBy() {
    return signedBy;
  }

  /** Who vouches for it: "package", "key" or "caller"; null for nobody: then it can be looked at, but doesn't speak. */
  public String trustedBy() {
    return trustedBy;
  }

  /**
   * Its files, for {@link io.github.voicelet.synth.Voice#load}.
   *
   * @throws BundleUnsignedException nobody vouches for it.
   */
  public VoiceFiles voiceFiles() {
    requireTrust();
    return new VoiceFiles() {
      @Override
      public Map<String, Object> manifest() {
        return manifest.fields();
      }

      @Override
      public ByteBuffer graph(String role) {
        return Bundle.this.graph(role);
      }

      @Override
      public ByteBuffer data(String role) {
        ListedFile file = named(manifest.data(), role, "data");
        return bytes(file);
      }
    };
  }

  /**
   * Raise unless somebody vouches for it.
   *
   * @throws BundleUnsignedException nobody does.
   */
  public void requireTrust() {
    if (trustedBy == null) {
      String who = signedBy == null ? "nobody" : signedBy + ", a key that isn't trusted here";
      String known = signedBy == null ? "get it signed by its makers" : "add their key to those trusted if you know them";
      throw new BundleUnsignedException(
          "the bundle '"
              + manifest.name()
              + "' is signed by "
              + who
              + ", and could speak as anybody; "
              + known
              + ", or say that you vouch for it");
    }
  }

  private ByteBuffer graph(String role) {
    Map<String, ListedFile> forms = named(manifest.graphs(), role, "graph");
    ListedFile file = forms.get(ONNX);
    if (file == null) {
      throw new EngineException(
          "graph '" + role + "' of bundle '" + manifest.name() + "' comes for " + forms.keySet()
              + ", not for " + ONNX + "; use a bundle exported for this engine");
    }
    return bytes(file);
  }

  private <T> T named(Map<String, T> all, String role, String what) {
    T found = all.get(role);
    if (found == null) {
      throw new BundleException(
          "bundle '" + manifest.name() + "' has no " + what + " '" + role + "'" + Nearest.didYouMean(role, all.keySet()));
    }
    return found;
  }

  private ByteBuffer bytes(ListedFile file) {
    ByteBuffer out = ByteBuffer.allocateDirect(file.bytes);
    verified(files, file, out);
    out.flip();
    return out;
  }

  /** Read a file and compare it with its entry; what is put in {@code out} is what was compared. */
  private static void verified(BundleFiles files, ListedFile file, ByteBuffer out) {
    String where = files.place() + "/" + file.file;
    MessageDigest digest = Hex.sha256Digest();
    byte[] block = new byte[BLOCK_BYTES];
    long length = 0;
    try (InputStream in = files.open(file.file)) {
      if (in == null) {
        throw new BundleException(where + ": no such file; fetch or export the bundle again");
      }
      for (int count = in.read(block); count >= 0; count = in.read(block)) {
        length += count;
        if (length > file.bytes) {
          break;
        }
        digest.update(block, 0, count);
        if (out != null) {
          out.put(block, 0, count);
        }
      }
    } catch (IOException e) {
      throw new BundleException(where + ": " + e.getMessage() + "; fetch or export the bundle again", e);
    }
    file.checkLength(length, where);
    file.checkHash(digest.digest(), where);
  }

  private static byte[] read(BundleFiles files, String name, int limitBytes) {
    try (InputStream in = files.open(name)) {
      return in == null ? null : OwnFiles.readAll(in, limitBytes, name);
    } catch (IOException e) {
      throw new BundleException(
          files.place() + "/" + name + ": " + e.getMessage() + "; fetch or export the bundle again", e);
    }
  }
}
