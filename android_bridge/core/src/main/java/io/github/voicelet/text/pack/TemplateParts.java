package io.github.voicelet.text.pack;

/** What templates and predicates are made with: a pack's words. */
final class TemplateParts {
  final Tables tables;
  final Verbalizers numbers;
  final SignVerbalizers signs;

  TemplateParts(PackConfig config, Tables tables, Verbalizers.Numbers rules) {
    this.tables = tables;
    this.numbers = new Verbalizers(config, rules);
    this.signs = new SignVerbalizers(config, numbers, tables);
  }
}
