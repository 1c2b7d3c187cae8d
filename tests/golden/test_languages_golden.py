"""Texts of several languages and broken SSML, against the golden file that runtimes are held to."""

from __future__ import annotations

import json
from collections import Counter

from tests.golden.make_languages_golden import LANGUAGES, read_golden, rows


def test_texts_of_several_languages_become_what_they_became() -> None:
    assert json.loads(json.dumps(list(rows()))) == read_golden()


def test_the_golden_file_holds_sound_documents_and_wrong_ones() -> None:
    counts = Counter((row["language"], row.get("error", "")) for row in read_golden())
    for language in LANGUAGES:
        assert counts[language, ""] > 80
        assert counts[language, "SsmlError"] > 20
