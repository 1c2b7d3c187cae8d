package io.github.voicelet.profiles.vault;

import io.github.voicelet.ProfileException;
import io.github.voicelet.profiles.Profile;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Rules that a test sets and looks at. */
public final class RecordingRules implements VaultRules {
  final Set<String> withdrawn = new HashSet<>();
  final Set<String> expected = new HashSet<>();
  final List<String> admitted = new ArrayList<>();
  String refused = "";

  @Override
  public void admit(Profile profile, List<Profile> others) {
    if (profile.name().equals(refused)) {
      throw new ProfileException("somebody else's voice");
    }
    admitted.add(profile.name() + " beside " + others.size());
  }

  @Override
  public boolean isWithdrawn(String consentId) {
    return withdrawn.contains(consentId);
  }

  @Override
  public void expectWithdrawn(Collection<String> consentIds) {
    expected.addAll(consentIds);
  }
}
