"""Make languages.jsonl.gz: texts of several languages, and SSML that something is wrong with.

    python tests/golden/make_languages_golden.py

A row is that of `tests.golden.text.rows` with "language" and "detect" before it.  Every language is
read by its own pack, and finds those of the others: by `xml:lang`, or by its words.  The broken
documents are golden ones with characters taken out, doubled or exchanged.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "sdk"), str(ROOT)]

from tests.golden.text.rows import read_rows, row_of  # noqa: E402
from voicelet.text.front_end import TextFrontEnd  # noqa: E402
from voicelet.text.language import Language  # noqa: E402
from voicelet.text.pack.packaged import find_language  # noqa: E402
from voicelet.text.phonemize import Phonemizer  # noqa: E402
from voicelet.text.phones import MULTILINGUAL_SYMBOLS, PhoneInventory  # noqa: E402
from voicelet.text.ssml import looks_like_ssml  # noqa: E402

GOLDEN = Path(__file__).with_name("languages.jsonl.gz")
LANGUAGES = ("es", "fr", "it", "pt-br")
TEXTS = 10
"""Of each language, with one of each other language."""
BROKEN = 120
"""Of each language."""

WITHIN = (
    '<speak>{own} <lang xml:lang="{tag}">{other}</lang> {own}</speak>',
    '<speak><p xml:lang="{tag}">{other}</p>{own}<s xml:lang="">{own}</s></speak>',
    '<speak>{own}, <emphasis xml:lang="{tag}">{other}</emphasis><mark name="m"/>, {own}</speak>',
    '<speak>{own} <lang xml:lang="{tag}"><say-as interpret-as="characters">'
    "AB</say-as></lang> 21</speak>",
)
MARKUP = "<>&;\"'/=![]-? \n\r\tax1é\N{GRINNING FACE}"


class Packs:
    """All that is packaged."""

    def find(self, tag: str) -> Language:
        """The language of a tag."""
        return find_language(tag)

    def readable(self) -> Sequence[Language]:
        """Those that are read here."""
        return [find_language(tag) for tag in LANGUAGES]


@cache
def front_end(tag: str) -> TextFrontEnd:
    """Of a language, by its pack alone; the others are found."""
    language = find_language(tag)
    phonemizer = Phonemizer(None, None, PhoneInventory(MULTILINGUAL_SYMBOLS), language)
    return TextFrontEnd(phonemizer, known=phonemizer.knows, language=language, languages=Packs())


@cache
def sentences(tag: str) -> list[str]:
    """Plain sentences of a language, of some words."""
    texts = [row["text"].strip() for row in read_rows(tag)]
    plain = [t for t in texts if t.count(" ") > 4 and not set(t) & set("<>&[\n") and len(t) < 200]
    return plain[:: max(1, len(plain) // (4 * TEXTS))]


def broken(tag: str, numbers: random.Random) -> Iterator[str]:
    """Documents with up to three changes."""
    documents = [row["text"] for row in read_rows(tag) if looks_like_ssml(row["text"])]
    for document in numbers.sample([d for d in documents if len(d) < 400], BROKEN):
        text = document
        for _ in range(numbers.randint(1, 3)):
            at = numbers.randrange(len("<speak>"), len(text))
            put = numbers.choice(["", text[at] * 2, numbers.choice(MARKUP)])
            text = text[:at] + put + text[at + 1 :]
        yield text


def ways(tag: str) -> Iterator[tuple[str, bool]]:
    """Texts, and whether their languages are to be found out."""
    numbers = random.Random(f"languages {tag}")
    for number in range(TEXTS):
        own = sentences(tag)[number]
        for other in LANGUAGES:
            if other != tag:
                foreign = sentences(other)[number]
                words = " ".join(foreign.split()[: 1 + number % 6])
                marked = WITHIN[number % len(WITHIN)].format(own=own, other=words, tag=other)
                yield marked, number % 3 == 0
                yield f"{own} {foreign} {sentences(tag)[number + TEXTS]}", True
                yield f"<speak>{own} {foreign}<break/>{foreign} &amp; {own}</speak>", True
    for text in broken(tag, numbers):
        yield text, False


def rows() -> Iterator[dict[str, Any]]:
    """All rows, in the order of the languages."""
    for tag in LANGUAGES:
        for text, detect in ways(tag):
            row = row_of(front_end(tag), text, detect=detect)
            yield {"language": tag, "detect": detect, **row}


def read_golden() -> list[dict[str, Any]]:
    """The rows as they were made."""
    with gzip.open(GOLDEN, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


if __name__ == "__main__":
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows())
    GOLDEN.write_bytes(gzip.compress(lines.encode(), mtime=0))
