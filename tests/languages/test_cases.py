"""The golden cases that travel with every pack: written, and how it is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from voicelet.text.cleanup import plain_pieces
from voicelet.text.pack.folder import PACKAGED, languages
from voicelet.text.pack.packaged import find_language
from voicelet.text.scanner import Boundary, Scanner
from voicelet.text.words import Mark

WITH_CASES = [tag for tag in languages() if (PACKAGED / tag / "cases.tsv").exists()]


def unescaped(text: str) -> str:
    """`text` with \\n, \\t, \\\\ and \\u0000 (four hexadecimal digits) as what they stand for."""
    names = {"n": "\n", "t": "\t", "\\": "\\"}
    return re.sub(
        r"\\(u[0-9a-f]{4}|[nt\\])",
        lambda m: names.get(m[1]) or chr(int(m[1][1:], 16)),
        text,
    )


def say(text: str, tag: str) -> str:
    """Words, marks as they are, "^" before what is spelled, breaks as <line> and <paragraph>."""
    out = []
    for item in Scanner(plain_pieces(text), language=find_language(tag)).items():
        if isinstance(item, Boundary):
            out.append(f"<{item.kind}>")
        elif isinstance(item, Mark):
            out.append(item.text)
        else:
            out.append("^" * item.spell + item.text)
    return " ".join(out)


def cases(path: Path) -> list[tuple[str, str]]:
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    return [(unescaped(row[0]), row[1]) for row in rows]


@pytest.mark.parametrize("tag", WITH_CASES)
def test_every_case_of_a_pack(tag: str) -> None:
    rows = cases(PACKAGED / tag / "cases.tsv")
    assert len({written for written, _ in rows}) == len(rows) >= 100
    heard = [(written, said, say(written, tag)) for written, said in rows]
    assert [row for row in heard if row[1] != row[2]] == []


def test_english_has_cases() -> None:
    assert len(cases(PACKAGED / "en" / "cases.tsv")) >= 400


def test_a_case_that_is_wrong_is_found() -> None:
    assert say("Dr. Smith paid $5", "en") == "Doctor Smith paid five dollars"
    assert say("a\\nb", "en") != say(unescaped("a\\nb"), "en")
