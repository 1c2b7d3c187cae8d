"""Make frontend.jsonl.gz: what the text front end makes of texts that are read in special ways.

    python tests/golden/make_frontend_golden.py

A row is that of `tests.golden.text.rows` with "language" and "reading" (punctuation, capitals, key,
detect) before it.  Places are code points of the text as it was given; a runtime whose strings are
UTF-16 converts them.  Plain texts are in the golden files of the languages already; these rows are
SSML, levels of punctuation, capitals, keys, and text whose language is to be found out.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "sdk"), str(ROOT)]

from tests.golden.text.rows import LANGUAGES, front_end, read_rows, row_of  # noqa: E402
from voicelet.text.reading import CAPITALS, PUNCTUATION, Reading  # noqa: E402

GOLDEN = Path(__file__).with_name("frontend.jsonl.gz")
TEXTS = 12
"""Of each language, spread over its golden file."""

MARKED = (
    '<speak>{}<break time="300ms"/><emphasis>{}</emphasis></speak>',
    '<speak><prosody rate="slow" pitch="+10%">{}</prosody><mark name="m"/>{}</speak>',
    "<speak><p><s>{}</s><s>{}</s></p></speak>",
)
WRONG = (
    '<!DOCTYPE speak [<!ENTITY a "b">]><speak>&a;</speak>',  # no SSML, unless it is asked for
    "<speak><break></speak>",
    "<speak>" * 300 + "</speak>" * 300,
    '<speak><prosody rate="what">a</prosody></speak>',
)
KEYS = ("a", "A", "É", "7", ".", " ", "\N{GRINNING FACE}", "shift", "F5", "control_a", "KP_Enter")
MIXED = (
    "A <speak> in the text.",
    '<speak>Hello, <lang xml:lang="fr">bonjour tout le monde</lang>, again.</speak>',
    '<speak>Hello, <lang xml:lang="xx">what is it</lang>, again.</speak>',
    "Where is the station? ¿Dónde está la estación de trenes?",
)


def escaped(text: str) -> str:
    """A text between tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def ways(language: str) -> Iterator[tuple[str, Reading, bool]]:
    """Texts of a language and how each is read."""
    rows = read_rows(language)
    texts = [row["text"] for row in rows[:: max(1, len(rows) // TEXTS)]][:TEXTS]
    for number, text in enumerate(texts):
        other = texts[number - 1]
        yield MARKED[number % len(MARKED)].format(escaped(text), escaped(other)), Reading(), False
        for punctuation in PUNCTUATION:
            yield text, Reading(punctuation=punctuation), False
        for capitals in CAPITALS:
            yield text, Reading(capitals=capitals), False
    for text in WRONG:
        yield text, Reading(), False
    for key in KEYS:
        for capitals in CAPITALS:
            yield key, Reading(key=True, capitals=capitals), False
    for text in MIXED:
        yield text, Reading(), False
        yield text, Reading(), True


def rows() -> Iterator[dict[str, Any]]:
    """All rows, in the order of the languages."""
    for language in LANGUAGES:
        front = front_end(language)
        for text, reading, detect in ways(language):
            how = {
                "punctuation": reading.punctuation,
                "capitals": reading.capitals,
                "key": reading.key,
                "detect": detect,
            }
            yield {"language": language, "reading": how, **row_of(front, text, reading, detect)}


def read_golden() -> list[dict[str, Any]]:
    """The rows as they were made."""
    with gzip.open(GOLDEN, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


if __name__ == "__main__":
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows())
    GOLDEN.write_bytes(gzip.compress(lines.encode(), mtime=0))
