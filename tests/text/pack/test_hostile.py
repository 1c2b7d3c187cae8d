"""Packs of strangers that want to hang, to fill the memory or to silence a language."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.text.pack.test_folder import RULE, said, with_rule
from voicelet.errors import BundleError, ConfigError, PackError
from voicelet.packs.contents import read_pack
from voicelet.text.g2p import NeuralG2P
from voicelet.text.pack import cost as cost_module
from voicelet.text.pack import letter_rules as letter_rules_module
from voicelet.text.pack import numbers as numbers_module
from voicelet.text.pack.folder import open_pack
from voicelet.text.pack.letter_rules import LetterRules
from voicelet.text.pack.regex import MAX_PACK_STEPS, MAX_STEPS, parse

SLOW = "(?:a|aa){1,900}b"


def letters(rules: list[Any]) -> dict[str, bytes]:
    data = {"format": 1, "passes": [{"name": "sounds", "rules": rules}]}
    return {"letters.json": json.dumps(data).encode()}


def test_letter_rules_are_checked_before_they_are_run(
    make_pack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(LetterRules, "phones", lambda self, word: ran.append(word) or word)
    with pytest.raises(PackError, match="steps"):
        open_pack(make_pack(files=letters([["", SLOW, "", "a"]])))
    assert not ran
    open_pack(make_pack(tag="qab", files=letters([["", "a", "", "a"]])))
    assert ran == ["a"]


@pytest.mark.parametrize("error", [OverflowError, RecursionError])
def test_what_the_engine_of_patterns_refuses_is_named(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def refuse(pattern: str) -> None:
        raise error("too much")

    monkeypatch.setattr(letter_rules_module, "re", SimpleNamespace(compile=refuse, error=re.error))
    with pytest.raises(ConfigError, match="a letter rule's pattern"):
        letter_rules_module._compiled("a|b")


@pytest.mark.parametrize(
    "data",
    [
        {"macros": []},
        {"macros": {"V": 1}},
        {"passes": {"a": 1}},
        {"passes": [[]]},
        {"passes": [3]},
        {"passes": [{"rules": {"a": 1}}]},
        {"passes": [{"rules": [3]}]},
        {"passes": [{"rules": [["", "a", "", None]]}]},
        {"passes": [{"rules": [["", "a", "", "x" * 100]]}]},
        {"passes": [{"rules": "abcd"}]},
        {"passes": [{}] * 100},
    ],
)
def test_letter_rules_of_an_odd_shape_are_a_named_error(data: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        LetterRules({"format": 1, **data})


def test_a_letter_model_that_fails_spells_the_word(
    make_pack: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(self: NeuralG2P, word: str) -> str:
        raise BundleError("it was stopped")

    folder = make_pack(files={"g2p.onnx": b"not a graph"})
    with pytest.raises(PackError, match="letter-to-sound"):
        open_pack(folder)  # whoever installs it is told
    language = open_pack(folder, check=False)
    monkeypatch.setattr(NeuralG2P, "phones", failing)
    phones = language.pronunciation.letter_to_sound
    assert phones is not None and [phones("zo"), phones("ba")] == ["", ""]
    assert caplog.text.count("words are spelled") == 1


@pytest.mark.parametrize(
    "say",
    ["{n" + "|replace:1=" + "1" * 99 + "|replace:1=" + "1" * 99 + "}", "{n|translate:long}" * 50],
)
def test_a_rule_that_says_far_too_much_does_not_apply(make_pack: Any, say: str) -> None:
    tables = {"long": "key\tsaid\n1\t" + "word " * 99 + "\n"}
    folder = make_pack(with_rule(cases=[{"say": say}]), tables=tables)
    assert said("ab 1111 cd", open_pack(folder)) == ["ab", "cd"]


def test_a_table_has_no_cells_as_long_as_a_book(make_pack: Any) -> None:
    folder = make_pack(with_rule(), tables={"long": "key\tsaid\n1\t" + "x" * 9000 + "\n"})
    with pytest.raises(PackError, match="cell"):
        open_pack(folder)


def test_the_check_of_number_rules_ends(make_pack: Any) -> None:
    bases = "".join(f"{10 * i}: " + "=%b=" * 6 + ";\n" for i in range(1, 800))
    ends = "0: a;\n" + "".join(f"{i}: " + "=%c=" * 6 + ";\n" for i in range(1, 9))
    feminine = "%feminine:\n0: no;\n"
    numbers = f"%spellout-numbering:\n0: no;\n{bases}%b:\n{ends}%c:\n0: "
    numbers += "=%e=" * 6 + f";\n%e:\n0: e;\n{feminine}"
    with pytest.raises(PackError, match="too often to be checked"):
        open_pack(make_pack(numbers=f"{numbers}%d:\n0: no;\n{bases}"))


def test_a_number_whose_rules_never_end_is_read_digit_by_digit(
    make_pack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_pack(with_rule())
    language = open_pack(folder)
    monkeypatch.setattr(numbers_module, "_MAX_SUBSTITUTIONS", 1)
    assert said("ab 321 cd", language) == ["ab", "tri", "ba", "ba", "ba", "cd"]


def test_a_long_list_named_a_thousand_times_is_not_written_out(make_pack: Any) -> None:
    rows = "".join(f"key{i}\tx\n" for i in range(900))
    rule = {**RULE, "match": "(?<n>[0-9])(?:" + "|".join(["{{keys:long}}"] * 1000) + ")"}
    folder = make_pack({"rules": [rule]}, tables={"long": "key\tsaid\n" + rows})
    with pytest.raises(PackError, match="longer than"):
        open_pack(folder)


def test_rules_are_bounded_together(make_pack: Any) -> None:
    slow = "(?<n>[0-9]{1,250}[0-9]{1,250})x"
    steps = parse(slow).steps
    assert steps <= MAX_STEPS < MAX_PACK_STEPS
    count = MAX_PACK_STEPS // steps + 1
    rules = [{**RULE, "id": f"r{i}", "match": slow} for i in range(count)]
    with pytest.raises(PackError, match="together"):
        open_pack(make_pack({"rules": rules}))
    for number, rule in enumerate(rules):  # each begins with a digit of its own
        rule["match"] = f"(?<n>{number % 10}[0-9]{{1,250}}[0-9]{{1,240}})x"
    open_pack(make_pack({"rules": rules[:10]}, tag="qab"))


def test_conditions_of_rules_count_as_well(make_pack: Any) -> None:
    slow = "[0-9]{1,250}[0-9]{1,250}x"
    steps = parse(slow).steps
    assert steps <= MAX_STEPS

    def rules(count: int, test: str) -> list[dict[str, Any]]:
        cases = [{"when": [f"{test} {slow}"], "say": "x"} for _ in range(count)]
        return [{**RULE, "match": "(?<n>[0-9])", "cases": cases}]

    few, many = MAX_PACK_STEPS // steps - 1, MAX_PACK_STEPS // steps + 1
    open_pack(make_pack({"rules": rules(few, "after")}, tag="qab"))
    with pytest.raises(PackError, match="together"):
        open_pack(make_pack({"rules": rules(many, "not after")}, tag="qac"))
    with pytest.raises(PackError, match="together"):  # it is searched for in what stands before
        open_pack(make_pack({"rules": rules(few // 8, "before")}, tag="qad"))


def test_letter_rules_are_bounded_together(make_pack: Any) -> None:
    slow = "[ab]{1,250}[ab]{1,250}c"
    steps = parse(slow).steps
    count = MAX_PACK_STEPS // steps + 1
    row, contexts = ["", slow, "", "x"], ["[ab]{1,60}[ab]{1,60}c", "a", "", "x"]
    for tag, rows in (("qab", [row] * count), ("qac", [contexts] * count)):
        with pytest.raises(PackError, match="at a letter"):
            open_pack(make_pack(tag=tag, files=letters(rows)))
    passes = [{"rules": [row] * (count // 4)}] * 5
    with pytest.raises(PackError, match="at a letter"):
        LetterRules({"format": 1, "passes": passes}).check()
    LetterRules({"format": 1, "passes": passes[:3]}).check()
    open_pack(make_pack(tag="qad", files=letters([row])))


def test_the_cost_of_a_long_choice_is_found_in_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0

    def counted(first: Any, second: Any) -> bool:
        nonlocal compared
        compared += 1
        return True

    monkeypatch.setattr(cost_module, "overlap", counted)
    parse("|".join(f"[{chr(97 + i % 26)}]{i}" for i in range(2500)))
    assert compared < 10_000


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
@pytest.mark.parametrize("name", ["rules.json", "lexicon.tsv", "tables/t.tsv", "letters.json"])
def test_a_pipe_in_a_pack_is_not_waited_for(make_pack: Any, name: str) -> None:
    folder: Path = make_pack()
    os.mkfifo(folder / name)
    with pytest.raises(PackError, match="not a file|holds files"):
        open_pack(folder)
    with pytest.raises(PackError, match="links or pipes"):
        read_pack(folder)


def test_a_link_in_a_pack_is_refused(make_pack: Any, tmp_path: Path) -> None:
    folder: Path = make_pack()
    (tmp_path / "elsewhere.tsv").write_text("zo\tzo\n")
    (folder / "lexicon.tsv").symlink_to(tmp_path / "elsewhere.tsv")
    with pytest.raises(PackError, match="links or pipes"):
        read_pack(folder)
