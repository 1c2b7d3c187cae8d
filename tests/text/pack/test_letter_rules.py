"""Letters to phones by rewriting rules: what a rule means, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from voicelet.errors import ConfigError, PackError
from voicelet.text.pack.folder import open_pack
from voicelet.text.pack.letter_rules import LONGEST_INPUT, LetterRules, RewritingPass

TOY: dict[str, Any] = {
    "format": 1,
    "macros": {"V": "[aeiou]", "C": "[bcdfklmnprst]"},
    "passes": [
        {
            "name": "stress",
            "rules": [
                ["#[^á]{0,20}", "á", "", "ˈa"],
                ["#[^á#]{0,20}", "{{V}}", "{{C}}{1,3}{{V}}#", "ˈ{0}"],
            ],
        },
        {
            "name": "sounds",
            "rest": "drop",
            "rules": [
                ["", "ch", "", "ʧ"],
                ["", "c", "ˈ?[ei]", "s"],
                ["", "c", "", "k"],
                ["", "[aeiouˈlmnrst]", "", "{0}"],
            ],
        },
        {
            "name": "secondary",
            "left": "output",
            "rules": [
                [
                    "(?:#|(?<![ˈˌ])[aeiou])[^aeiouˈˌ#]{0,4}",
                    "[aeiou]",
                    "[^aeiouˈ#]{0,4}[aeiou]",
                    "ˌ{0}",
                ]
            ],
        },
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("cena", "sˈena"),
        ("coca", "kˈoka"),
        ("chico", "ʧˈiko"),
        ("acelerá", "ˌaselerˈa"),
        ("x-c-é", "k"),
        ("", ""),
        ("§§", ""),
    ],
)
def test_passes_work_on_one_another(word: str, phones: str) -> None:
    assert LetterRules(TOY).phones(word) == phones


def test_the_first_rule_that_fits_is_taken_and_passes_over_its_letters() -> None:
    rewrite = RewritingPass([["", "ab", "", "1"], ["", "a", "", "2"], ["2", "b", "", "never"]])
    assert rewrite("abaab") == "121"


def test_contexts_see_the_edges_and_the_input() -> None:
    rewrite = RewritingPass([["#", "a", "", "<"], ["", "a", "#", ">"], ["a", "a", "", "="]])
    assert rewrite("aaaa") == "<==>"


def test_left_contexts_may_see_the_output() -> None:
    rules = [["(?:#|b)", "a", "", "b"]]
    assert RewritingPass(rules)("aaa") == "baa"
    assert RewritingPass(rules, left_is_output=True)("aaa") == "bbb"


def test_rules_may_span_the_words_of_a_phrase() -> None:
    rewrite = RewritingPass([["[aeo] [ˈˌ]?", "b", "", "β"], ["", "n", " [ˈˌ]?[bp]", "m"]])
    assert rewrite("en bˈaɾko la bˈoka") == "em bˈaɾko la βˈoka"


def test_plain_contexts_and_patterns_mean_the_same() -> None:
    plain = RewritingPass([["[ab]c", "d", "e[fg]", "X"]])
    pattern = RewritingPass([["(?:[ab]c)", "(?:d)", "(?:e[fg])", "X"]])
    for text in ("acdef", "bcdeg", "ccdef", "acde", "cdef", "acdeh", "dacdefd"):
        assert plain(text) == pattern(text)


def test_very_long_words_are_cut() -> None:
    rewrite = RewritingPass([["", "a", "", "b"]])
    assert rewrite("a" * 5000) == "b" * LONGEST_INPUT


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format"),
        ({"pases": []}, "did you mean 'passes'"),
        ({"passes": [{"rules": [["", "a", ""]]}]}, "row of four"),
        ({"passes": [{"rules": [["", "", "", "b"]]}]}, "no letters"),
        ({"passes": [{"rules": [["", "{{W}}", "", "b"]]}]}, "no macro 'W'"),
        ({"passes": [{"rest": "skip", "rules": []}]}, "'skip' is not one of 'keep'"),
        ({"passes": [{"rule": []}]}, "did you mean 'rules'"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        LetterRules({**TOY, **change})


@pytest.mark.parametrize("pattern", ["a+", "(a{1,50}){1,50}b", r"\w", "(a"])
def test_a_strangers_patterns_are_checked(pattern: str, tmp_path: Path) -> None:
    """A pack with letter rules that aren't portable, or too slow, is refused when it is opened."""
    rules = {**TOY, "passes": [{"rules": [["", pattern, "[bc]d", "x"]]}]}
    with pytest.raises(PackError):
        LetterRules(rules).check()

    folder = tmp_path / "xx"
    folder.mkdir()
    (folder / "pack.json").write_text('{"format": 1, "language": "xx"}', encoding="utf-8")
    (folder / "letters.json").write_text(json.dumps(rules), encoding="utf-8")
    with pytest.raises(PackError):
        open_pack(folder)
