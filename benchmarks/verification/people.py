"""Who is trained with and who is only tested with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import heldout
from voicelet_export.train.voice_match import is_test_person

REAL_CORPORA = ("real", "librispeech5", "picovoice", "commonvoice_en", "vcc2016")
"""Folders of people's recordings; one that isn't there is left out."""

_PREFIXES = {
    "so": "speechocean762",
    "ls": "librispeech",
    "pv": "picovoice",
    "cv": "commonvoice",
    "vc": "vcc2016",
}


def read_people(corpus: Path) -> dict[str, dict[str, Any]]:
    """Speaker of a corpus → a row of the metadata, with how many utterances there are."""
    lines = (corpus / "metadata.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    counts = Counter(row["speaker"] for row in rows)
    return {row["speaker"]: {**row, "utterances": counts[row["speaker"]]} for row in rows}


def split_people(people: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """(people that calibration may use, people that only tests use), in alphabetical order."""
    held_out = frozenset(person.speaker for person in heldout.load().people)
    test = [s for s in sorted(people) if is_test_person(s, held_out)]
    return [s for s in sorted(people) if s not in set(test)], test


def corpus_of(speaker: str) -> str:
    """Which corpus a speaker is of."""
    return _PREFIXES.get(speaker.partition("_")[0], "librispeech")
