package io.github.voicelet.text;

/** An SSML mark. */
final class NamedMark implements Item {
  final String name;

  NamedMark(String name) {
    this.name = name;
  }
}
