"""Texts read in special ways, against the golden file that every runtime is held to."""

from __future__ import annotations

import json

from tests.golden.make_frontend_golden import read_golden, rows
from tests.golden.text.rows import LANGUAGES


def test_special_readings_become_what_they_became() -> None:
    assert json.loads(json.dumps(list(rows()))) == read_golden()


def test_the_golden_file_holds_every_way_of_reading() -> None:
    golden = read_golden()
    assert {row["language"] for row in golden} == set(LANGUAGES)
    assert {row["error"] for row in golden if "error" in row} == {"SsmlError"}
    raised = [
        tone
        for row in golden
        if row["reading"]["capitals"] == "pitch"
        for clause in row.get("clauses", ())
        for tone in clause.get("tones", ())
    ]
    assert any("capital" in tone for tone in raised)
    toned = [row for row in golden if row["reading"]["capitals"] == "tone"]
    assert any("capitals" in clause for row in toned for clause in row.get("clauses", ()))
