"""How much of a list of written texts a language pack reads as its author would.

    python -m benchmarks.normalization fr cases.tsv
    python -m benchmarks.normalization en sentences.jsonl

Each line of the list has a class, what is written, and what is said ("~" between readings that are
equally right), parted by tabs, as in the test lists of text-normalization tools.  Such lists have a
house style of their own, so a reading is compared after both sides went through the steps of
:func:`plain`, and nothing else is forgiven:

- capitals, hyphens and punctuation don't count, nor does the accent of Italian "tré": "Dix-sept."
  is "dix sept";
- letters spelled one by one are one word: "n v i d i a" is "nvidia"; in the class `electronic`
  blanks don't count at all, and the protocol before an address may be left out;
- the words of `SAME` are alike ("percento" and "per cento"), and those of `SILENT` may be left out
  in the classes named there ("e trenta minuti" is "e trenta").

A list of sentences (`.jsonl`, an object a line with `text` and `gt_normalized`) is tokenised, with
blanks around marks, and its own house style. Only sentences that its author changed are counted.
Beside the steps above, nothing is forgiven but these (:mod:`benchmarks.sentence_style`): the
blanks of tokenisation, "and" (numbers, "&"), British and American spelling, the order of a date
("the third of May" is "May third"), "oh" and "zero" beside "o", and how a few words are written
("pp" for "pages", "mr" for "mister").
"""

from __future__ import annotations

import argparse
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sentence_style import alike, untokenised
from voicelet.text.front_end import clauses
from voicelet.text.language import Language
from voicelet.text.pack.packaged import find_language
from voicelet.text.words import Word

_PROTOCOL = re.compile(r"https?(?:duepunti|deuxpoints|dospuntos|doispontos)(?:slash|barra){2}")

SAME = {
    "it": {"percento": "per cento", "barra": "slash"},
    "fr": {"pourcent": "pour cent", "barre oblique": "slash"},
}
"""Language → (one way to put it → the other)."""

SILENT = {
    ("it", "time"): frozenset({"minuti", "minuto"}),
    ("it", "money"): frozenset({"e"}),
}
"""(Language, class) → words that a reading may have or not."""


@dataclass(frozen=True)
class Case:
    """A line of a list: `said` holds every reading that is right."""

    kind: str
    written: str
    said: tuple[str, ...]


def read_cases(path: Path) -> list[Case]:
    """Read a list; lines without all three columns are passed over."""
    cases = []
    for line in path.read_text("utf-8").splitlines():
        columns = line.split("\t")
        if len(columns) == 3 and all(columns):
            cases.append(Case(columns[0], columns[1], tuple(columns[2].split("~"))))
    return cases


def read_sentences(path: Path) -> list[Case]:
    """Read a list of tokenised sentences; those that are said as they are written are left out."""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [
        Case("sentence", untokenised(line["text"]), (untokenised(line["gt_normalized"]),))
        for line in lines
        if untokenised(line["text"]) != untokenised(line["gt_normalized"])
    ]


def said_words(text: str, language: Language) -> str:
    """What the front end says, word by word; spelled words letter by letter."""
    words: list[str] = []
    for clause in clauses(text, ssml=False, language=language):
        for token in clause.tokens:
            if isinstance(token, Word):
                words += token.text if token.spell else [token.text]
    return " ".join(words).replace("' ", "'")


def plain(text: str, language: str, kind: str = "") -> str:
    """`text` without what is house style; see the module's beginning."""
    text = unicodedata.normalize("NFC", text).lower().replace("’", "'")
    text = text.replace("tré", "tre") if language == "it" else text
    text = "".join(c if c.isalnum() or c == "'" else " " for c in text)
    text = f" {' '.join(text.split())} "
    for one, other in SAME.get(language, {}).items():
        text = text.replace(f" {one} ", f" {other} ")
    silent = SILENT.get((language, kind), frozenset())
    words = [word for word in text.split() if word not in silent]
    if kind == "sentence":
        bare = (word.strip("'") for word in words)
        words = alike([word for word in bare if word])
    joined: list[str] = []
    was_letter = False
    for word in words:
        is_letter = len(word) == 1
        if is_letter and was_letter:
            joined[-1] += word
        else:
            joined.append(word)
        was_letter = is_letter
    if kind == "electronic":
        return _PROTOCOL.sub("", "".join(joined))
    return " ".join(joined)


def compare(cases: Iterable[Case], language: Language) -> tuple[Counter[str], list[str]]:
    """Cases read right by class, and a line for each that isn't."""
    right: Counter[str] = Counter()
    wrong = []
    tag = language.tag.split("-")[0].lower()
    for case in cases:
        said = said_words(case.written, language)
        wanted = {plain(text, tag, case.kind) for text in case.said}
        if plain(said, tag, case.kind) in wanted:
            right[case.kind] += 1
        else:
            wrong.append(f"{case.kind}: {case.written!r} → {said!r}, not {' / '.join(case.said)!r}")
    return right, wrong


def main() -> None:
    """Print the share of every class, and what was read otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("language", help="BCP 47 tag")
    parser.add_argument("cases", type=Path, help="class, written, said: by tabs; or .jsonl")
    parser.add_argument("--wrong", action="store_true", help="list what was read otherwise")
    args = parser.parse_args()
    sentences = args.cases.suffix == ".jsonl"
    cases = read_sentences(args.cases) if sentences else read_cases(args.cases)
    right, wrong = compare(cases, find_language(args.language))
    for kind, total in sorted(Counter(case.kind for case in cases).items()):
        print(f"{kind}: {right[kind]} of {total}")
    print(f"all: {right.total()} of {len(cases)} ({right.total() / max(1, len(cases)):.1%})")
    if args.wrong:
        print("\n".join(wrong))


if __name__ == "__main__":
    main()
