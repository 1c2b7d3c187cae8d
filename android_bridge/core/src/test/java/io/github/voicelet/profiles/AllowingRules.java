package io.github.voicelet.profiles;

import java.util.ArrayList;
import java.util.List;

/** Allows all, and notes what was asked; or refuses one question. */
final class AllowingRules implements TransferRules {
  final List<String> asked = new ArrayList<>();
  RuntimeException refusal;
  String refused = "";

  @Override
  public void checkConsent(Profile profile, StoredConsent record) {
    note("consent", profile.name() + " of " + record.speaker());
  }

  @Override
  public void checkNotErased(Profile profile, String since) {
    note("erased", profile.name() + " since " + since);
  }

  @Override
  public void checkSpoken(Profile profile, List<Profile> others) {
    note("spoken", profile.name() + " beside " + others.size());
  }

  private void note(String question, String about) {
    asked.add(question + ": " + about);
    if (question.equals(refused)) {
      throw refusal;
    }
  }
}
