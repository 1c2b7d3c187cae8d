"""Rules for letters with two sounds, learnt from words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from voicelet.errors import ConfigError
from voicelet.text.pack.letter_rules import LetterRules
from voicelet_export.cli.main import main
from voicelet_export.teach.letter_contexts import (
    ContextsBuild,
    Example,
    build_contexts,
    format_letters,
    learn_contexts,
)

LETTERS = {
    "format": 1,
    "macros": {"V": "[aeiou]"},
    "passes": [
        {"name": "stress", "rules": [["#[^#]{0,9}", "[aeo]", "[^aeiou#]{1,3}{{V}}#", "ˈ{0}"]]},
        {"name": "sounds", "rest": "drop", "rules": [["", "[a-zɛˈ]", "", "{0}"]]},
    ],
}
CONSONANTS = "bdfgklmnprst"


def said(word: str) -> str:
    """A toy language: stressed e is open before l or after r, but not between the two."""
    stem, vowel, rest = word[0], word[1], word[2:]
    open_e = (rest[0] == "l") != (stem == "r")
    return f"{stem}ˈ{'ɛ' if open_e and vowel == 'e' else vowel}{rest}"


WORDS = [f"{a}{v}{b}{w}" for a in CONSONANTS for v in "ea" for b in CONSONANTS for w in "aeiou"]


def test_contexts_are_found_and_exceptions_come_first() -> None:
    examples = [Example("#" + w[0], w[2:] + "#", "ɛ" in said(w)) for w in WORDS if w[1] == "e"]
    contexts = learn_contexts(examples)
    assert len(contexts) <= 30

    def sound(word: str) -> bool:
        data = {
            "format": 1,
            "passes": [
                {"rules": [[c.left, "e", c.right, "ɛ" if c.second else "e"] for c in contexts]}
            ],
        }
        return "ɛ" in LetterRules(data).phones(word)

    assert all(sound(w) == ("ɛ" in said(w)) for w in WORDS if w[1] == "e")


def test_chance_makes_no_rules() -> None:
    examples = [Example("#" + a, b + "a#", (i * 7919) % 5 == 0) for i, (a, b) in
                enumerate((a, b) for a in CONSONANTS for b in CONSONANTS)]  # fmt: skip
    assert len(learn_contexts(examples)) <= 12


def test_a_letters_file_gets_a_pass(tmp_path: Path) -> None:
    path, words = tmp_path / "letters.json", tmp_path / "words.txt"
    path.write_text(json.dumps(LETTERS), encoding="utf-8")
    words.write_text("\n".join(WORDS), encoding="utf-8")
    build = ContextsBuild(path, words, {"e": "ɛ"}, "open vowels")
    rows = build_contexts(build, said)
    once = path.read_text(encoding="utf-8")
    data = json.loads(once)
    assert [entry["name"] for entry in data["passes"]] == ["stress", "open vowels", "sounds"]
    assert len(data["passes"][1]["rules"]) == rows > 0
    rules = LetterRules(data)
    assert [rules.phones(w) for w in WORDS] == [said(w) for w in WORDS]
    build_contexts(build, said)
    assert path.read_text(encoding="utf-8") == once


def test_long_passes_are_written_side_by_side() -> None:
    rows = [["", f"a{i}", "", "b"] for i in range(400)]
    data = {"format": 1, "license": "x", "macros": {}, "passes": [{"name": "n", "rules": rows}]}
    text = format_letters(data)
    assert json.loads(text) == data
    assert 20 < text.count("\n") < 200


def test_a_file_without_stress_is_refused(tmp_path: Path) -> None:
    path, words = tmp_path / "letters.json", tmp_path / "words.txt"
    path.write_text('{"format": 1, "passes": []}', encoding="utf-8")
    words.write_text("casa", encoding="utf-8")
    with pytest.raises(ConfigError, match="stress"):
        build_contexts(ContextsBuild(path, words, {"e": "ɛ"}, "open"), said)


def test_a_choice_names_a_letter_and_phones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["pack-contexts", "--language", "pt-br", "--words", "w", "--letters", "l",
              "--choice", "open", "--name", "n"])  # fmt: skip
    assert "isn't a letter" in capsys.readouterr().err
