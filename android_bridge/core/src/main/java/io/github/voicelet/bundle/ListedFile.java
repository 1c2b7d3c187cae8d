package io.github.voicelet.bundle;

import io.github.voicelet.BundleTamperedException;
import io.github.voicelet.BundleTruncatedException;
import io.github.voicelet.ConfigException;
import io.github.voicelet.config.Fields;
import io.github.voicelet.trust.keys.Hex;
import java.util.regex.Pattern;

/** A file of a bundle, as its manifest lists it. */
final class ListedFile {
  private static final Pattern PATH =
      Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*){0,3}");
  private static final int MAX_NAME = 200;

  /** Path inside the bundle, with "/". */
  final String file;
  /** 64 lower-case hexadecimal digits. */
  final String sha256;
  /** Its length. */
  final int bytes;

  /**
   * @throws ConfigException a value is impossible.
   */
  ListedFile(Fields fields) {
    file = fields.text("file");
    sha256 = fields.text("sha256");
    if (file.length() > MAX_NAME || !PATH.matcher(file).matches()) {
      throw fields.error("'" + file + "' can't be the name of a file in a bundle");
    }
    if (file.equals(BundleManifest.FILE) || file.equals(BundleManifest.SIGNATURE_FILE)) {
      throw fields.error("'" + file + "' can't list itself");
    }
    if (!Hex.isHex(sha256, 64)) {
      throw fields.error(file + ": sha256 must be 64 lower-case hexadecimal digits");
    }
    bytes = (int) fields.whole("bytes", 0, BundleManifest.MAX_BUNDLE_BYTES);
  }

  /** Raise where a length isn't the listed one. */
  void checkLength(long length, String where) {
    if (length < bytes) {
      throw new BundleTruncatedException(
          where + ": truncated, " + length + " of " + bytes + " bytes; fetch the bundle again");
    }
    if (length > bytes) {
      throw new BundleTamperedException(
          where
              + ": more than the "
              + bytes
              + " bytes that the manifest lists; the file was changed, fetch the bundle again");
    }
  }

  /** Raise where a SHA-256 isn't the listed one. */
  void checkHash(byte[] digest, String where) {
    if (!Hex.of(digest).equals(sha256)) {
      throw new BundleTamperedException(
          where + ": SHA-256 differs from the manifest's; the file was changed, fetch the bundle again from its makers");
    }
  }
}
