"""Texts against the golden files of the text front end: words, phones, pauses, tones, places.

A part of them in the normal run, all of them with `VOICELET_GOLDEN=all`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from zlib import crc32

import pytest

from tests.golden.text.coverage import Reached, counting
from tests.golden.text.rows import FOLDER, LANGUAGES, Row, front_end, read_rows, row_of
from voicelet.text.pack.folder import languages
from voicelet.text.pack.packaged import find_language, packaged_language

ALL = os.environ.get("VOICELET_GOLDEN") == "all"
ONE_IN = 1 if ALL else 20

MIN_TEXTS = {"en-gb": 2500}
MANY_TEXTS = 5000
MAX_BYTES = 3_000_000
MIN_RULES_REACHED = 0.95
"""Of all rules of a language; some wait for what another rule always takes first."""


@pytest.fixture(scope="module", params=LANGUAGES)
def tag(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def rows(tag: str) -> list[Row]:
    return read_rows(tag)


@pytest.fixture(scope="module")
def reached(tag: str) -> Iterator[Reached]:
    """What the texts of this module reach of the pack, which is opened anew for that."""
    found = Reached()
    forget()
    with counting(found):
        packaged_language(tag)
    yield found
    forget()


def forget() -> None:
    """Packs that were opened before, by any test of this process."""
    packaged_language.cache_clear()
    find_language.cache_clear()


def test_every_language_has_a_golden_file() -> None:
    assert set(LANGUAGES) == set(languages())


def test_texts_become_what_they_became(tag: str, rows: list[Row], reached: Reached) -> None:
    front = front_end(tag)
    chosen = [row for row in rows if crc32(row["text"].encode()) % ONE_IN == 0]
    assert len(chosen) > 0.7 * len(rows) / ONE_IN
    found = [row_of(front, row["text"]) for row in chosen]
    differ = [(new, old) for new, old in zip(found, chosen) if new != old]
    assert not differ, (
        f"{len(differ)} of {len(chosen)} texts, the first {differ[0]}; if that is meant, run"
        f" python tests/golden/make_text_golden.py {tag} and read what it prints"
    )
    assert reached.count
    if ALL:
        said = {name for name, _ in reached.count}
        silent = sorted(reached.rules.keys() - said)
        assert len(silent) <= (1 - MIN_RULES_REACHED) * len(reached.rules), silent


def test_files_hold_many_different_texts(tag: str, rows: list[Row]) -> None:
    texts = {row["text"] for row in rows}
    assert len(texts) == len(rows) >= MIN_TEXTS.get(tag, MANY_TEXTS)


def test_rows_are_whole(rows: list[Row]) -> None:
    for row in rows:
        for clause in row.get("clauses", ()):
            for start, end, first, last in clause["words"]:
                assert 0 <= start <= end <= len(row["text"]), row
                assert 0 <= first < last <= len(clause["phones"]), row
            words = [token for token in clause["tokens"] if any(map(str.isalnum, token))]
            assert len(clause["words"]) <= len(words), row
            assert bool(clause["words"]) == bool(clause["phones"]), row


def test_nothing_that_can_be_read_is_an_error(rows: list[Row]) -> None:
    assert [row for row in rows if "error" in row] == []


def test_files_stay_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.jsonl.gz")) < MAX_BYTES
