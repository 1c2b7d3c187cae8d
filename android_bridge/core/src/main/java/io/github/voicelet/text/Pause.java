package io.github.voicelet.text;

/** An explicit break. */
final class Pause implements Item {
  /** How long, in milliseconds. */
  final int pauseMs;

  Pause(int pauseMs) {
    this.pauseMs = pauseMs;
  }
}
