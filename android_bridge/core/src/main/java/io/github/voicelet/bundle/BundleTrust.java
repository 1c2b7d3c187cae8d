package io.github.voicelet.bundle;

import io.github.voicelet.ConfigException;
import io.github.voicelet.files.OwnFiles;
import io.github.voicelet.trust.keys.Hex;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Set;

/**
 * Whose bundles are used.
 *
 * <p>A bundle's hashes say that it is whole, not that its makers had a right to its voices: a preset is a row of numbers, and a
 * row of somebody else's numbers speaks as them. So a bundle is used only if a key that is trusted signed it, or if whoever
 * opens it says that they know where it is from. Immutable.
 */
public final class BundleTrust {
  private static final String PACKAGED_KEYS = "trusted_keys.txt";
  private static final int MAX_KEYS_BYTES = 1 << 16;

  private final Set<String> named;
  private final Set<String> kept;
  private final boolean requiresSignature;
  private final boolean callerVouches;

  private BundleTrust(Set<String> named, Set<String> kept, boolean requiresSignature, boolean callerVouches) {
    this.named = named;
    this.kept = kept;
    this.requiresSignature = requiresSignature;
    this.callerVouches = callerVouches;
  }

  /** The makers that this package trusts, and nobody else. */
  public static BundleTrust packaged() {
    return new BundleTrust(Collections.emptySet(), Collections.emptySet(), false, false);
  }

  /**
   * Only bundles that one of these keys signed.
   *
   * @param keys 64 hexadecimal digits each, in capitals or not.
   * @throws ConfigException one can't be a key.
   */
  public BundleTrust onlySignedBy(Iterable<String> keys) {
    Set<String> checked = new LinkedHashSet<>(named);
    for (String key : keys) {
      checked.add(checkedKey(key));
    }
    return new BundleTrust(checked, kept, requiresSignature, callerVouches);
  }

  /**
   * The makers, too, whose keys the user keeps in a file, a key a line; none where there is no file.
   *
   * @throws ConfigException a line isn't a key, or it can't be read.
   */
  public BundleTrust withKeysOf(File file) {
    try {
      byte[] raw = OwnFiles.readIfThere(file, MAX_KEYS_BYTES);
      Set<String> all = new LinkedHashSet<>(kept);
      all.addAll(raw == null ? Collections.<String>emptySet() : keys(raw, file.getPath()));
      return new BundleTrust(named, all, requiresSignature, callerVouches);
    } catch (IOException e) {
      throw new ConfigException(file + ": the list of trusted keys can't be read (" + e.getMessage() + ")", e);
    }
  }

  /** Refuse unsigned bundles; without {@link #onlySignedBy} any signer will do, which says nothing of who it is. */
  public BundleTrust requiringSignature() {
    return new BundleTrust(named, kept, true, callerVouches);
  }

  /** The caller vouches for the bundle, though no key that is trusted signed it: made it, or knows who did. */
  public BundleTrust vouchedFor() {
    return new BundleTrust(named, kept, requiresSignature, true);
  }

  /** Whether an unsigned bundle is refused. */
  boolean requiresSignature() {
    return requiresSignature || !named.isEmpty();
  }

  /** Whether a signer is refused. */
  boolean refuses(String signer) {
    return !named.isEmpty() && !named.contains(signer);
  }

  /** Who vouches for a bundle: "package", "key" or "caller"; null for nobody. */
  String voucher(String signer) {
    if (signer != null && packagedKeys().contains(signer)) {
      return "package";
    }
    if (signer != null && (named.contains(signer) || kept.contains(signer))) {
      return "key";
    }
    return callerVouches ? "caller" : null;
  }

  /**
   * The public keys of the makers that this package trusts.
   *
   * @throws ConfigException the package is damaged.
   */
  static Set<String> packagedKeys() {
    try (InputStream in = BundleTrust.class.getResourceAsStream(PACKAGED_KEYS)) {
      if (in == null) {
        throw new ConfigException("this package lacks its list of trusted keys; install it again");
      }
      return keys(OwnFiles.readAll(in, MAX_KEYS_BYTES, PACKAGED_KEYS), PACKAGED_KEYS);
    } catch (IOException e) {
      throw new ConfigException("the package's list of trusted keys can't be read; install it again", e);
    }
  }

  private static Set<String> keys(byte[] raw, String where) {
    Set<String> keys = new LinkedHashSet<>();
    for (String line : new String(raw, StandardCharsets.UTF_8).split("\r\n|\n|\r")) {
      if (!line.trim().isEmpty()) {
        try {
          keys.add(checkedKey(line));
        } catch (ConfigException e) {
          throw new ConfigException(where + ": not a list of keys, one a line (" + e.getMessage() + "); mend it", e);
        }
      }
    }
    return keys;
  }

  private static String checkedKey(String key) {
    String spelled = key.trim().toLowerCase(Locale.ROOT);
    if (!Hex.isHex(spelled, 64)) {
      String shown = key.length() > 80 ? key.substring(0, 80) : key;
      throw new ConfigException("'" + shown + "' can't be a trusted key; ask the bundle's makers for theirs");
    }
    return spelled;
  }
}
