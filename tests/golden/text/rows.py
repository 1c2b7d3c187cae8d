"""A text and everything that the text front end makes of it, as one row of a golden file."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from voicelet.errors import VoiceletError
from voicelet.synth import Voice
from voicelet.text.front_end import TextFrontEnd
from voicelet.text.pack.packaged import find_language
from voicelet.text.phonemize import Phonemizer
from voicelet.text.phones import MULTILINGUAL_SYMBOLS, PhoneInventory
from voicelet.text.reading import PLAIN, Reading
from voicelet.text.words import Clause, PhoneClause, Prosody, Token, Word

FOLDER = Path(__file__).resolve().parent
LANGUAGES = ("en", "en-gb", "es", "fr", "it", "pt-br")

Row = dict[str, Any]


def front_end(tag: str) -> TextFrontEnd:
    """English as the embedded voice reads it; others by their own pack alone."""
    if tag.split("-")[0] == "en":
        front = Voice.load().front_end
        assert isinstance(front, TextFrontEnd)
        return front.in_language(tag)
    language = find_language(tag)
    phonemizer = Phonemizer(None, None, PhoneInventory(MULTILINGUAL_SYMBOLS), language)
    return TextFrontEnd(phonemizer, known=phonemizer.knows, language=language)


def row_of(front: TextFrontEnd, text: str, reading: Reading = PLAIN, detect: bool = False) -> Row:
    """The row of a text; where it can't be read, the kind of error in place of its clauses."""
    try:
        found = front.with_words(text, reading=reading, detect=detect)
        clauses = [_clause(*both) for both in found]
    except VoiceletError as error:
        return {"text": text, "error": type(error).__name__}
    return {"text": text, "clauses": clauses}


def _token(token: Token) -> str:
    if not isinstance(token, Word):
        return token.text
    given = "" if token.phones is None else f"[[{token.phones}]]"
    return "^" * token.spell + token.text + given


def _clause(clause: Clause, spoken: PhoneClause) -> Row:
    row: Row = {
        "tokens": [_token(token) for token in clause.tokens],
        "phones": spoken.phones,
        "words": [[*word.span, word.start, word.end] for word in spoken.words],
        "pause_ms": spoken.pause_after_ms,
    }
    if spoken.tones:
        row["tones"] = [[tone.turn, tone.start, tone.end] for tone in spoken.tones]
    if spoken.accents:
        row["accents"] = [[accent.level, accent.start, accent.end] for accent in spoken.accents]
    capitals = [number for number, word in enumerate(spoken.words) if word.capital]
    if capitals:
        row["capitals"] = capitals
    if spoken.prosody != Prosody():
        row["prosody"] = asdict(spoken.prosody)
    if spoken.marks:
        row["marks"] = list(spoken.marks)
    if spoken.inner_marks:
        row["inner_marks"] = [[mark.name, mark.at] for mark in spoken.inner_marks]
    for name in ("sentence_end", "exclaimed", "aside", "pause_is_fixed"):
        if getattr(spoken, name):
            row[name] = True
    return row


def read_rows(tag: str) -> list[Row]:
    """The rows of a golden file; none where there is no such file."""
    path = FOLDER / f"{tag}.jsonl.gz"
    if not path.exists():
        return []
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def write_rows(tag: str, rows: Iterable[Row]) -> int:
    """Write a golden file, the same bytes for the same rows; how many bytes it has."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9, mtime=0, filename="") as file:
        for row in rows:
            line = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
            file.write(line.encode("utf-8", "surrogatepass") + b"\n")
    (FOLDER / f"{tag}.jsonl.gz").write_bytes(out.getvalue())
    return len(out.getvalue())
