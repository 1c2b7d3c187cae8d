"""Write `text/known_words.json`: `python tests/golden/make_known_words.py`.

Whether a word in capitals is read or spelled may depend on whether the lexicon knows it.  The file
holds, for every language, those words of the golden texts that a rule asked the lexicon for and
that it knows, so that a reader of packs can be held to the golden files before it has a lexicon.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent)]

from tests.golden.text.rows import FOLDER, LANGUAGES, front_end, read_rows  # noqa: E402
from voicelet.text.front_end import clauses  # noqa: E402
from voicelet.text.phonemize import Phonemizer  # noqa: E402

TARGET = FOLDER / "known_words.json"


def known_words(tag: str) -> list[str]:
    """The words that rules asked for and the lexicon knows."""
    front, known = front_end(tag), set[str]()
    phonemizer = front.phonemizer
    assert isinstance(phonemizer, Phonemizer)

    def knows(word: str) -> bool:
        if phonemizer.knows(word):
            known.add(word)
        return word in known

    for row in read_rows(tag):
        for _ in clauses(row["text"], known=knows, language=front.language):
            pass
    return sorted(known)


def main() -> None:
    """Write the file."""
    words = {tag: known_words(tag) for tag in LANGUAGES}
    text = json.dumps(words, ensure_ascii=False, indent=1)
    TARGET.write_text(text + "\n", encoding="utf-8")
    print(", ".join(f"{tag}: {len(found)}" for tag, found in words.items()))


if __name__ == "__main__":
    main()
