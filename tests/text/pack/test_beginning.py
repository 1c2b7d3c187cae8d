"""What a pattern may begin with, read off its beginning, against the parser of all of it."""

from __future__ import annotations

from typing import Any

import pytest

from voicelet.text.pack import folder
from voicelet.text.pack.beginning import Beginning
from voicelet.text.pack.patterns import Macros, Pattern
from voicelet.text.pack.regex import parse
from voicelet.text.pack.tables import Tables

CHARS = [*map(chr, range(0x20, 0x180)), "\n", "\t", "–", "—", "’", "€", "½", "²", "😀", "я", "中"]


def begins(pattern: str) -> str:
    beginning = Beginning(pattern, lambda name: set())
    return "".join(c for c in CHARS if beginning.has(c))


@pytest.mark.parametrize(
    ("pattern", "chars"),
    [
        ("abc", "a"),
        ("a?b", "ab"),
        ("a{0,3}?b", "ab"),
        ("a{2}b", "a"),
        ("0?1", "01"),
        ("(?:a|b?)c", "abc"),
        ("(?<x>a|b)|c", "abc"),
        ("(?:a(?:b|c)|d)?e", "ade"),
        ("(?:a(?:b|c)|d){1,2}e", "ad"),
        (r"\(?\{?x", "({x"),
        (r"[a-c\]-]x", "-]abc"),
        (r"[(|)]x", "()|"),
        ("(?=x)[a-c]", "abc"),
        ("(?<![0-9a-z])[-+]?[0-2]", "+-012"),
        ("(?:(?<=a|b)|(?<=c))-", "-"),
        (r"(?<t>\n|\t)", "\t\n"),
    ],
)
def test_the_beginning_of_a_pattern(pattern: str, chars: str) -> None:
    parse(pattern)
    assert sorted(begins(pattern)) == sorted(chars)


def test_all_but_a_class_and_any_character() -> None:
    others = [c for c in CHARS if not "a" <= c <= "y" and not "0" <= c <= "9"]
    assert begins("[^a-y0-9]") == "".join(others)
    assert begins(r"[\s\S]{0,3}") == "".join(CHARS)


def patterns_of_the_package(monkeypatch: pytest.MonkeyPatch) -> list[Pattern]:
    made: list[Pattern] = []
    init = Pattern.__init__

    def remember(self: Pattern, *args: Any) -> None:
        init(self, *args)
        made.append(self)

    monkeypatch.setattr(Pattern, "__init__", remember)
    for tag in folder.languages():
        folder.open_pack(folder.PACKAGED / tag)
    monkeypatch.undo()
    return made


def test_every_pattern_of_the_package_without_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    patterns = patterns_of_the_package(monkeypatch)
    assert len(patterns) > 500
    for known in patterns:
        parsed, macros = known.parsed(), known._macros
        monkeypatch.setattr(macros, "check", False)
        unparsed = Pattern(known._source, macros, known._where)
        assert unparsed.compile().pattern == parsed.python
        assert unparsed.groups() == parsed.groups
        for char in CHARS:
            within = any(low <= ord(char) <= high for low, high in parsed.first)
            # A branch that only looks may take anything for the parser; here it takes nothing.
            assert unparsed.may_begin(char) == within or (within and len(parsed.first) == 1), (
                known._where,
                char,
            )
        monkeypatch.setattr(macros, "check", True)


@pytest.mark.parametrize("macro", ["keys", "keys-any-case"])
def test_keys_of_a_table(macro: str) -> None:
    tables = Tables({}, {"units": "km Kg ßx $"}, "pack")
    checked = Pattern(f"{{{{{macro}:units}}}}[0-9]", Macros({}, tables), "rule")
    trusted = Pattern(f"{{{{{macro}:units}}}}[0-9]", Macros({}, tables, check=False), "rule")
    assert [trusted.may_begin(c) for c in CHARS] == [checked.may_begin(c) for c in CHARS]
    assert trusted.match("km5", 0)
    assert bool(trusted.match("KM5", 0)) == (macro == "keys-any-case")
