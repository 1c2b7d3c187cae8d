"""Make phrases.jsonl.gz: what the rules of weak.json of each language pack do to phrases.

    python tests/golden/make_phrases_golden.py

A row is {"language", "words": [key, phones, latent consonant, classes], "forms": phones of each
word at its place without and with a stressed word after it, "links": how each two words that follow
one another meet in a phrase, in a compound word and as names of letters, "rewritten": the forms
after the passes over the phrase}.  The phrases are stretches of the golden texts.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "sdk"), str(ROOT)]

from tests.golden.make_pronunciation_golden import LANGUAGES, VOICE, look_up  # noqa: E402
from voicelet.text.g2p import NeuralG2P  # noqa: E402
from voicelet.text.language import SpokenWord  # noqa: E402
from voicelet.text.lexicon import Lexicon  # noqa: E402
from voicelet.text.pack.entry import parse_entry  # noqa: E402
from voicelet.text.pack.folder import PACKAGED, open_pack  # noqa: E402
from voicelet.text.pack.phrases import SPANS  # noqa: E402

GOLDEN = Path(__file__).with_name("phrases.jsonl.gz")
MOST_PHRASES = 300


def phrases_of(language: str) -> Iterator[list[str]]:
    """Stretches of plain words, two to eight long."""
    path = Path(__file__).with_name("text") / f"{language}.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            for part in json.loads(line)["text"].lower().replace(".", ",").split(","):
                words = [w for w in part.split() if w.replace("'", "").isalpha()]
                if len(words) >= 2 and len(words) == len(part.split()):
                    yield words[:8]


def rows() -> Iterator[dict[str, Any]]:
    """All rows, in the order of the languages."""
    for language in LANGUAGES:
        rules = open_pack(PACKAGED / language).pronunciation
        lexicon = Lexicon.open(VOICE / "lexicon.bin") if language == "en" else None
        letters = NeuralG2P(VOICE / "g2p.onnx").phones if lexicon else rules.letter_to_sound
        assert letters is not None
        phrases = rules.phrases
        for number, keys in enumerate(phrases_of(language)):
            if number == MOST_PHRASES:
                break
            words = []
            for key in keys:
                entry = parse_entry(look_up(rules.words, lexicon, key) or letters(key))
                classes = entry.classes | phrases.classes_of(key)
                words.append(SpokenWord(key, entry.phones, entry.latent, classes))
            forms = [
                [phrases.in_phrase(words, i, False), phrases.in_phrase(words, i, True)]
                for i in range(len(words))
            ]
            links = []
            for before, after in pairwise(words):
                for span in SPANS:
                    met = phrases.linked(before, after, span)
                    links.append([span, met.before, met.after, met.joined])
            yield {
                "language": language,
                "words": [[w.key, w.phones, w.latent, sorted(w.classes)] for w in words],
                "forms": forms,
                "links": links,
                "rewritten": phrases.rewritten([form[0] for form in forms]),
            }


if __name__ == "__main__":
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows())
    GOLDEN.write_bytes(gzip.compress(lines.encode(), mtime=0))
