"""Write `text/senses.json.gz`: `python tests/golden/make_senses_golden.py`.

Which senses of a homograph the lexicon is asked for, in clauses of the golden texts: for every
language with homographs rows of the words as written, in lower case as the lexicon knows them, the
place of one of them, and its senses.  Each word is put into the clauses of others as well, so that
its rules and its model see more neighbours than the texts give it.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent)]

from tests.golden.text.rows import FOLDER, LANGUAGES, front_end, read_rows  # noqa: E402
from voicelet.text.front_end import clauses  # noqa: E402
from voicelet.text.pack.folder import PACKAGED  # noqa: E402
from voicelet.text.phonemize import Phonemizer  # noqa: E402
from voicelet.text.words import Word  # noqa: E402

TARGET = FOLDER / "senses.json.gz"
ROWS = 1000
"""Of a language."""
MAX_WORDS = 14

Row = tuple[list[str], list[str], int, list[str]]


def rows_of(tag: str) -> list[Row]:
    """Rows drawn from the golden texts; the same for the same texts."""
    front, rng = front_end(tag), random.Random(tag)
    phonemizer = front.phonemizer
    assert isinstance(phonemizer, Phonemizer)
    written: list[list[str]] = []
    for row in read_rows(tag):
        for clause in clauses(row["text"], known=phonemizer.knows, language=front.language):
            texts = [t.text for t in clause.tokens if isinstance(t, Word) and t.text]
            if 2 <= len(texts) <= MAX_WORDS:
                written.append(texts)
    data = json.loads((PACKAGED / tag / "homographs.json").read_text(encoding="utf-8"))
    words = sorted(data["words"])
    scored = [w for w in data.get("part_of_speech", {}).get("words", "").split() if w[0] != "@"]
    words = sorted({*words, *scored, *_class_words(data)})
    senses, found = phonemizer.rules.senses, list[Row]()
    while len(found) < ROWS:
        texts = list(rng.choice(written))
        keys = [phonemizer.key(text) for text in texts]
        places = [i for i, key in enumerate(keys) if senses(keys, i, texts)]
        if not places or rng.random() < 0.7:
            place, word = rng.randrange(len(texts)), rng.choice(words)
            texts[place] = rng.choice((word, word, word, word.capitalize(), word.upper()))
            keys[place] = word
        else:
            place = rng.choice(places)
        row_senses = list(senses(keys, place, texts))
        if row_senses or rng.random() < 0.1:
            found.append((texts, keys, place, row_senses))
    return found


def _class_words(data: dict[str, object]) -> set[str]:
    """The words whose parts of speech are told apart."""
    part, classes = data.get("part_of_speech"), data.get("classes")
    if not isinstance(part, dict) or not isinstance(classes, dict):
        return set()
    names = [w[1:] for w in str(part["words"]).split() if w[0] == "@"]
    return {w for name in names for w in str(classes[name]).split() if w[0] not in "@-"}


def main() -> None:
    """Write the file."""
    tags = [tag for tag in LANGUAGES if (PACKAGED / tag / "homographs.json").exists()]
    rows = {tag: rows_of(tag) for tag in tags}
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    TARGET.write_bytes(gzip.compress(text.encode(), mtime=0))
    for tag, found in rows.items():
        print(f"{tag}: {len(found)} rows, {sum(bool(row[3]) for row in found)} with senses")


if __name__ == "__main__":
    main()
