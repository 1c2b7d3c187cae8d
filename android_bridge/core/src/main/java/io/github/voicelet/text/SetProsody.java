package io.github.voicelet.text;

/** From here on clauses have this prosody. */
final class SetProsody implements Item {
  final Prosody prosody;

  SetProsody(Prosody prosody) {
    this.prosody = prosody;
  }
}
