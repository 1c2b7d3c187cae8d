package io.github.voicelet.profiles;

import java.util.List;

/** What has to be true of a profile before it leaves this device, or may come in; the rest of voicelet knows. */
public interface TransferRules {
  /**
   * Check that the consent covers some use here and now: it hasn't ended, isn't withdrawn, and its signers count here.
   *
   * @param record genuine, and of this profile's voice.
   * @throws io.github.voicelet.ConsentException it doesn't.
   */
  void checkConsent(Profile profile, StoredConsent record);

  /**
   * Refuse a profile that was erased here, unless what holds it is younger than that, or its owner wants it back.
   *
   * @param since when what holds it was made, or could have been made first; ISO 8601, UTC.
   * @throws io.github.voicelet.ProfileException it was erased at that time or later.
   */
  void checkNotErased(Profile profile, String since);

  /**
   * Refuse a profile whose adaptation makes it speak with somebody else's voice; asked for adapted ones only.
   *
   * @param others profiles on this device.
   * @throws io.github.voicelet.VoiceletException it does, or it can't be heard here.
   */
  void checkSpoken(Profile profile, List<Profile> others);
}
