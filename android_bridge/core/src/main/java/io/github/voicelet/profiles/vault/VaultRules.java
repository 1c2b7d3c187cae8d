package io.github.voicelet.profiles.vault;

import io.github.voicelet.profiles.Profile;
import java.util.Collection;
import java.util.List;

/** What a vault asks the rest of voicelet: whose voice may come in, and which consents were withdrawn. */
public interface VaultRules {
  /**
   * Refuse a voice that is another person's on this device, or on a list of protected ones.
   *
   * @param others profiles of the vault that it is compared with.
   * @throws io.github.voicelet.VoiceletException it is; nothing is written then.
   */
  void admit(Profile profile, List<Profile> others);

  /** Whether a consent record was withdrawn on this device. */
  boolean isWithdrawn(String consentId);

  /**
   * Records that the vault knows to be withdrawn, whatever became of this device's own list; called at each reading, before the
   * profile is handed out.
   */
  void expectWithdrawn(Collection<String> consentIds);
}
