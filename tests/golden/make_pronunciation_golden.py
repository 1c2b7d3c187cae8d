"""Make pronunciation.jsonl.gz: what the parts of each language pack say of single words.

    python tests/golden/make_pronunciation_golden.py

A row is [language, word, what the lexicon says or null, what the letters give, what the endings
give or null].  The words are those of the golden texts, and the same without their last letter, so
that lexicons miss some; English ones have endings put on as well.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "sdk"), str(ROOT)]

from voicelet.text.g2p import NeuralG2P  # noqa: E402
from voicelet.text.lexicon import Lexicon  # noqa: E402
from voicelet.text.pack.folder import PACKAGED, open_pack  # noqa: E402

GOLDEN = Path(__file__).with_name("pronunciation.jsonl.gz")
VOICE = ROOT / "sdk" / "voicelet" / "voices" / "default"
LANGUAGES = ("en", "es", "fr", "it", "pt-br")
MOST_WORDS = 1200
ENDINGS = ("s", "ing", "ed", "'s", "ly", "er", "est", "es")


def words_of(language: str) -> list[str]:
    """Words of the golden texts, each once, and what is left without their last letter."""
    found: dict[str, None] = {}
    path = Path(__file__).with_name("text") / f"{language}.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            for word in json.loads(line)["text"].lower().split():
                plain = "".join(c for c in word if c.isalpha() or c == "'").strip("'")
                if 1 < len(plain) < 60:
                    found[plain] = None
                    found[plain[:-1]] = None
                    if language == "en":
                        found[plain + ENDINGS[len(found) % len(ENDINGS)]] = None
            if len(found) > MOST_WORDS:
                break
    return list(found)[:MOST_WORDS]


def look_up(
    words: Callable[[str], str | None] | None, lexicon: Lexicon | None, key: str
) -> str | None:
    """What the pack's lists say of a word, else the voice's lexicon."""
    known = None if words is None else words(key)
    return lexicon.get(key) if known is None and lexicon is not None else known


def rows() -> Iterator[list[str | None]]:
    """All rows, in the order of the languages."""
    for language in LANGUAGES:
        pronunciation = open_pack(PACKAGED / language).pronunciation
        lexicon = Lexicon.open(VOICE / "lexicon.bin") if language == "en" else None
        model = NeuralG2P(VOICE / "g2p.onnx") if language == "en" else None
        letters = model.phones if model is not None else pronunciation.letter_to_sound
        assert letters is not None
        for word in words_of(language):
            looked_up = partial(look_up, pronunciation.words, lexicon)
            inflected = pronunciation.inflected(word, looked_up, ())
            yield [language, word, looked_up(word), letters(word), inflected]


if __name__ == "__main__":
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows())
    GOLDEN.write_bytes(gzip.compress(lines.encode(), mtime=0))
