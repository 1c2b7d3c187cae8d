package io.github.voicelet.profiles;

import io.github.voicelet.ProfileException;
import io.github.voicelet.profiles.vault.Vault;
import io.github.voicelet.trust.seal.SealedBox;
import io.github.voicelet.trust.seal.SealingKey;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Profiles on their way to another device: sealed for it, with the consent record inside.
 *
 * <p>The device that a profile arrives at doesn't know who signed its record. Somebody there has to say yes to the signer, once;
 * {@link #arrived} shows the record for that.
 */
public final class ProfileTransfer {
  /** A sealed profile isn't longer. */
  public static final int MAX_BYTES = 1 << 21;

  private static final byte[] INFO = "voicelet profile export 1".getBytes(StandardCharsets.US_ASCII);

  private ProfileTransfer() {}

  /**
   * A profile, sealed so that only the owner of a key can open it.
   *
   * @param recipient a public sealing key.
   * @throws io.github.voicelet.ConsentException its owner's consent is missing, not genuine, or has ended.
   * @throws io.github.voicelet.SealException the key is broken.
   */
  public static byte[] export(Vault vault, String name, byte[] recipient, TransferRules rules) {
    Profile profile = vault.load(name);
    rules.checkConsent(profile, profile.checkRecord());
    return SealedBox.seal(recipient, profile.toBytes(), INFO);
  }

  /**
   * A profile that arrived, for somebody to look at: its name, its consent record, who signed it.
   *
   * @param data sealed, or a profile's file that isn't encrypted.
   * @throws io.github.voicelet.SealException for another key, not a sealed profile, or changed.
   * @throws ProfileException it isn't a profile.
   */
  public static Profile arrived(byte[] data, SealingKey key) {
    if (data.length > MAX_BYTES) {
      throw new ProfileException("far too large for a profile; is it the right file?");
    }
    return Profile.fromBytes(ProfileFormat.isPlain(data) ? data : SealedBox.open(key, data, INFO));
  }

  /**
   * Open a profile that was sealed for a key, and save it.
   *
   * @param name what to call it here; null for what it was called there.
   * @param replaces whether a profile of that name may be replaced.
   * @throws io.github.voicelet.SealException as {@link #arrived}.
   * @throws io.github.voicelet.ConsentException its consent is missing, not genuine, or doesn't count here.
   * @throws ProfileException it isn't a profile, an unknown speaker encoder made it, or there is one of that name already.
   */
  public static Profile importTo(
      Vault vault, byte[] data, SealingKey key, String name, boolean replaces, TransferRules rules) {
    Profile profile = arrived(data, key);
    return save(vault, profile, profile.checkRecord().created(), name, replaces, rules);
  }

  /** Save a profile that came in something that was made at a time. */
  static Profile save(
      Vault vault, Profile arrived, String since, String name, boolean replaces, TransferRules rules) {
    StoredConsent record = arrived.checkRecord();
    arrived.checkEncoder();
    rules.checkNotErased(arrived, since);
    Profile profile = name == null ? arrived : arrived.toBuilder().name(name).build();
    List<Profile> others = vault.list(); // the vault makes known here what it knows to be withdrawn
    rules.checkConsent(profile, record);
    if (profile.agreedAdaptation() != null) {
      rules.checkSpoken(profile, others);
    }
    vault.save(profile, replaces);
    return profile;
  }
}
