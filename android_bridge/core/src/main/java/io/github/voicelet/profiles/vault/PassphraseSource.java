package io.github.voicelet.profiles.vault;

/** Asks for the passphrase of a vault, once, when it is first needed. */
public interface PassphraseSource {
  /** The passphrase; null or "" for none. */
  String get();
}
