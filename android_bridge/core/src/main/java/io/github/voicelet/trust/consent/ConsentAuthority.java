package io.github.voicelet.trust.consent;

import io.github.voicelet.ConsentException;
import io.github.voicelet.SealException;
import io.github.voicelet.trust.keys.DeviceKey;
import io.github.voicelet.trust.keys.Hex;
import java.util.ArrayList;
import java.util.List;

/** Whether the signers of a record may allow a use on this device. */
public final class ConsentAuthority {
  private final DeviceKey device;
  private final TrustedSigners signers;
  private final LatestTime clock;

  /**
   * @param device whose own records count without being on the list.
   * @param signers whose records count as well.
   * @param clock tells a record of the future.
   */
  public ConsentAuthority(DeviceKey device, TrustedSigners signers, LatestTime clock) {
    this.device = device;
    this.signers = signers;
    this.clock = clock;
  }

  /**
   * Check that the signers of a record may allow a use here, and that its date has come. What the record itself says and whether
   * its signatures hold is {@link ConsentRecord}'s matter.
   *
   * @param nowS seconds since 1970.
   * @throws ConsentException its signer isn't known here, or not trusted with that purpose; it needs a countersignature by
   *     somebody who is; or it is dated in the future.
   */
  public void check(ConsentRecord record, String purpose, long nowS) {
    String own = ownKey();
    for (String key : strangers(record, own)) {
      checkSigner(key, purpose);
    }
    if (record.needsCountersigner(purpose)) {
      checkCountersigner(record, purpose, own);
    }
    clock.checkNotAhead(record.createdS(), nowS);
  }

  /**
   * Public keys of the other devices that signed a record, or it before it was adapted, and aren't trusted here: whom to ask the
   * user about before {@link TrustedSigners#trust} lets the record speak.
   *
   * @throws ConsentException the list is damaged.
   */
  public List<String> unknownSigners(ConsentRecord record) {
    List<String> unknown = strangers(record, ownKey());
    for (TrustedSigner signer : signers.entries()) {
      unknown.remove(signer.key());
    }
    return unknown;
  }

  private static List<String> strangers(ConsentRecord record, String own) {
    List<String> keys = new ArrayList<>(record.earlierSigners());
    keys.add(record.device());
    keys.remove(own);
    return keys;
  }

  private void checkSigner(String key, String purpose) {
    TrustedSigner signer = signers.get(key);
    if (signer == null) {
      throw new ConsentException(
          "its consent was signed by a device that isn't known here (a profile from elsewhere, or this device's key was lost):"
              + " "
              + key
              + "; look at it, and trust that signer if it is right");
    }
    if (!Purposes.cover(signer.purposes(), purpose)) {
      String name = signer.name().isEmpty() ? key : signer.name();
      throw new ConsentException(
          "its consent was signed by another device ("
              + name
              + "), which is trusted with "
              + signer.purposes()
              + " here, not with "
              + purpose
              + "; trust it with that too if it is right");
    }
  }

  private void checkCountersigner(ConsentRecord record, String purpose, String own) {
    String key = record.countersigner();
    // Twice the same hand is no second signature, nor is this device's own.
    boolean isSecond = !key.equals(own) && !key.equals(record.device()) && !record.earlierSigners().contains(key);
    TrustedSigner second = isSecond ? signers.get(key) : null;
    if (second == null || !Purposes.cover(second.purposes(), purpose)) {
      throw new ConsentException(
          "the countersigner of this consent ("
              + key
              + ") isn't trusted with "
              + purpose
              + " here; trust them with it if you know them");
    }
  }

  /** This device's public key; empty without one, or where nobody knows: nothing is signed by it then. */
  private String ownKey() {
    try {
      byte[] key = device.existingPublicKey();
      return key == null ? "" : Hex.of(key);
    } catch (SealException e) {
      return "";
    }
  }
}
