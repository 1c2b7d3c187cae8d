package io.github.voicelet.trust.consent;

import io.github.voicelet.ConsentException;
import io.github.voicelet.trust.keys.DeviceKey;
import java.io.File;

/**
 * Everything that a consent record has to pass before a voice speaks, in one place; with the files that it needs, laid out as
 * Python lays them out in its data folder.
 */
public final class ConsentCheck {
  private final DeviceKey device;
  private final Revocations revocations;
  private final TrustedSigners signers;
  private final LatestTime clock;
  private final ConsentAuthority authority;

  /** With the device's key in files. */
  public ConsentCheck(File data) {
    this(data, new DeviceKey(new File(data, "keys")));
  }

  /**
   * @param data the folder of all that this device keeps.
   * @param device its key.
   */
  public ConsentCheck(File data, DeviceKey device) {
    File consent = new File(data, "consent");
    this.device = device;
    this.revocations = new Revocations(new File(consent, "revoked.jsonl"), new File(data, "keys"), device);
    this.signers = new TrustedSigners(new File(consent, "signers.json"));
    this.clock = new LatestTime(new File(consent, "latest-time"));
    this.authority = new ConsentAuthority(device, signers, clock);
  }

  /**
   * Check that a voice may be used.
   *
   * @param voiceSha256 of the voice, hexadecimal.
   * @param nowS seconds since 1970.
   * @throws io.github.voicelet.ConsentEndedException the consent has expired or was withdrawn.
   * @throws ConsentException the record isn't genuine, is another voice's, doesn't cover the purpose, or its signer isn't trusted
   *     with it here; or nobody knows whether it was withdrawn.
   */
  public void check(ConsentRecord record, String voiceSha256, String purpose, long nowS) {
    record.verify(voiceSha256);
    revocations.check(record);
    record.check(purpose, nowS);
    authority.check(record, purpose, nowS);
  }

  /** Sign a record with this device's key, and keep the time. */
  public ConsentRecord sign(ConsentDraft draft, long nowS) {
    ConsentRecord record = draft.signed(device.key(), nowS);
    clock.remember(nowS);
    return record;
  }

  /**
   * Withdraw a consent on this device, at once and for good; with it those that its record took the place of, which a backup from
   * before a renewal would bring back. A stranger may name anybody's record, so theirs withdraws itself alone.
   *
   * @param nowS seconds since 1970.
   * @return the entry of the record itself.
   * @throws ConsentException the list can't be written, or isn't what it was.
   * @throws io.github.voicelet.SealException the device's key can't be had.
   */
  public Revocation withdraw(ConsentRecord record, String reason, long nowS) {
    Revocation entry = revocations.add(record.id(), reason, nowS);
    if (record.device().equals(device.key().id())) {
      for (String replaced : record.replaces()) {
        revocations.add(replaced, reason, nowS);
      }
    }
    return entry;
  }

  /** Who withdrew. */
  public Revocations revocations() {
    return revocations;
  }

  /** Who else may sign. */
  public TrustedSigners signers() {
    return signers;
  }

  /** Whether a record's signers may allow a use, and whom to ask about. */
  public ConsentAuthority authority() {
    return authority;
  }
}
