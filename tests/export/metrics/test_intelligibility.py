"""Word errors and tables."""

from __future__ import annotations

import random

from benchmarks.report.tables import cell, markdown
from voicelet_export.metrics.intelligibility import WordErrors, word_errors


def test_each_kind_of_edit_is_counted() -> None:
    text = list("abcdef")
    assert word_errors(text, text) == WordErrors(words=6)
    assert word_errors(text, list("aXcdef")) == WordErrors(1, 0, 0, 6)
    assert word_errors(text, list("abdef")) == WordErrors(0, 1, 0, 6)
    assert word_errors(text, list("abXcdef")) == WordErrors(0, 0, 1, 6)
    assert word_errors(text, []) == WordErrors(0, 6, 0, 6)
    assert word_errors([], ["hello", "there"]) == WordErrors(0, 0, 2, 0)


def test_rates_add_up_by_words_not_by_sentences() -> None:
    total = WordErrors(1, 0, 0, 2) + WordErrors(0, 0, 0, 8)
    assert total.rate == 0.1
    assert WordErrors(0, 0, 3, 0).rate == 1.0
    assert WordErrors(0, 0, 3, 2).rate == 1.5


def _distance(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    if not a or not b:
        return len(a) + len(b)
    return min(
        _distance(a[1:], b[1:]) + (a[0] != b[0]),
        _distance(a[1:], b) + 1,
        _distance(a, b[1:]) + 1,
    )


def test_edits_are_the_fewest_and_balance() -> None:
    rng = random.Random(3)
    for _ in range(60):
        a = tuple(rng.choice("abc") for _ in range(rng.randrange(6)))
        b = tuple(rng.choice("abc") for _ in range(rng.randrange(6)))
        errors = word_errors(a, b)
        assert errors.errors == _distance(a, b)
        assert len(a) - errors.deletions + errors.insertions == len(b)


def test_a_table_shows_what_was_measured_and_nothing_else() -> None:
    table = markdown([("one", {"wer": 0.0461, "p808": 4.07}), ("two", {"p808": 3.9})])
    head, _, one, two = table.splitlines()
    assert "WER %" in head and "PESQ" not in head
    assert one == "| one | 4.6 | 4.07 |"
    assert two == "| two | – | 3.90 |"
    assert cell(float("nan"), ".2f") == "–"
