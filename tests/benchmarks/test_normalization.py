"""The comparer of readings undoes tokenisation and house style, and nothing else."""

from __future__ import annotations

from benchmarks.normalization import plain
from benchmarks.sentence_style import alike, untokenised


def test_tokenisation_is_undone() -> None:
    assert untokenised("Bo ( 1624 - 1713 ) , p . 5 .") == "Bo (1624-1713), p. 5."
    assert untokenised("The song 's `` end ``") == 'The song\'s " end "'
    assert untokenised("a - b") == "a - b"


def test_dates_and_spelling_are_alike() -> None:
    dated = alike(["on", "the", "twenty", "third", "of", "may", "two", "thousand", "and", "five"])
    assert dated == alike(["on", "may", "twenty", "third", "two", "thousand", "five"])
    assert alike(["organisations", "colour", "centre"]) == ["organizations", "color", "center"]
    assert alike(["the", "third", "of", "it"]) == ["the", "third", "of", "it"]


def test_a_wrong_reading_stays_wrong() -> None:
    assert plain("nineteen ten", "en", "sentence") != plain("nineteen twenty", "en", "sentence")
    assert plain("u s a", "en", "sentence") == plain("U. S. A.", "en", "sentence")
