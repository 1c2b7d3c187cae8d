"""Write the golden files of the text front end: `python tests/golden/make_text_golden.py [TAG…]`.

They hold what becomes of thousands of texts a language: words, phones, pauses, tones, and where
every word stands in the text.  The texts come from the packs' own cases, from the training texts of
this project, from the patterns of every rule, and from the grammars in `text/grammar`; what is
drawn depends on the language and the rule alone, so that a changed rule changes no other's texts.
What has changed against the files before is printed, and is to be read before it is committed.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT)]

from tests.golden.text.contexts import Contexts  # noqa: E402
from tests.golden.text.coverage import Reached, counting  # noqa: E402
from tests.golden.text.grammar import Grammar  # noqa: E402
from tests.golden.text.rows import LANGUAGES, Row, front_end, read_rows, row_of, write_rows  # noqa: E402
from tests.golden.text.sampling import samples  # noqa: E402
from tests.languages.test_cases import unescaped  # noqa: E402
from voicelet.errors import VoiceletError  # noqa: E402
from voicelet.text.front_end import TextFrontEnd, clauses  # noqa: E402
from voicelet.text.pack.folder import PACKAGED  # noqa: E402
from voicelet.text.pack.packaged import packaged_language  # noqa: E402

TEXTS = {"en-gb": 3000}
"""How many texts a language has, where it isn't :data:`MOST_TEXTS`."""
MOST_TEXTS = 5200
PER_RULE = 14
"""Texts drawn for a rule, beside those that reach cases of it that no other text reached."""
TRIES = 250
"""Strings drawn for a rule at most."""
SHOWN = 40
"""Changed rows that are printed for a language."""


def case_texts(tag: str) -> Iterator[str]:
    """What travels with the pack and the one it varies, and the project's own training texts."""
    for folder in dict.fromkeys((tag, tag.split("-")[0])):
        path = PACKAGED / folder / "cases.tsv"
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                yield unescaped(line.split("\t")[0])
    path = ROOT / "export" / "texts" / f"{tag}.txt"
    if path.exists():
        yield from path.read_text(encoding="utf-8").splitlines()


def rule_texts(tag: str, reached: Reached, grammar: Grammar) -> Iterator[str]:
    """Texts drawn from the pattern of every rule; first those that reach something new."""
    language = packaged_language(tag)
    already = set(reached.count)
    for name, rule in reached.rules.items():
        rng = random.Random(f"{tag}/{name}")
        kept: list[str] = []
        missing = {place for place in reached.places() if place[0] == name} - already
        pattern = reached.patterns[name]
        contexts = Contexts(rule, pattern, rng)
        for drawn in samples(pattern, rng, language.normalization.letters, TRIES):
            place = rng.choice(rule.at.split("|"))
            text = _in_context(drawn.strip("\n"), place, rng, contexts, grammar)
            reached.count.clear()
            try:
                for _ in clauses(text, language=language):
                    pass
            except VoiceletError:
                continue
            new = missing & set(reached.count)
            if new or (len(kept) < PER_RULE and any(p[0] == name for p in reached.count)):
                missing -= new
                kept.append(text)
            if not missing and len(kept) >= PER_RULE:
                break
        yield from kept


def _in_context(
    drawn: str, place: str, rng: random.Random, contexts: Contexts, grammar: Grammar
) -> str:
    asked = rng.random() < 0.6
    if asked:
        drawn = contexts.fitted(drawn)
    if place.startswith("say-as:"):
        _, interpret, form = (place + ":").split(":")[:3]
        attributes = f'interpret-as="{interpret}"' + f' format="{form}"' * bool(form)
        drawn = f"<say-as {attributes}>{escape(drawn)}</say-as>"
        return f"<speak>{grammar.draw(rng, 'frame').replace('@', drawn, 1)}</speak>"
    if asked:
        return contexts.around(drawn) + rng.choice(["", ".", f" {grammar.draw(rng, 'noun')}"])
    if rng.random() < 0.35:
        return drawn
    return grammar.draw(rng, "frame").replace("@", drawn, 1)


def texts_of(tag: str, reached: Reached) -> list[str]:
    """All texts of a language, each once."""
    grammar = Grammar(tag.split("-")[0] if tag != "pt-br" else tag)
    count = TEXTS.get(tag, MOST_TEXTS)
    found = dict.fromkeys([*case_texts(tag), *grammar.rare()])
    language = packaged_language(tag)
    for text in found:
        for _ in clauses(text, language=language):
            pass
    found.update(dict.fromkeys(rule_texts(tag, reached, grammar)))
    rng = random.Random(f"{tag}/grammar")
    while len(found) < count:
        found[grammar.draw(rng)] = None
    return [text for text in found if text.strip()]


def make(tag: str) -> tuple[list[Row], list[tuple[str, int]], int]:
    """The rows of a language, the cases that no text reaches, and how many cases there are."""
    reached = Reached()
    with counting(reached):
        packaged_language.cache_clear()
        front: TextFrontEnd = front_end(tag)
    texts = texts_of(tag, reached)
    reached.count.clear()
    rows = [row_of(front, text) for text in texts]
    places = reached.places()
    return rows, [place for place in places if not reached.count[place]], len(places)


def said(row: Row) -> str:
    """A row for reading: words and phones."""
    if "error" in row:
        return str(row["error"])
    return " / ".join(f"{' '.join(c['tokens'])} [{c['phones']}]" for c in row["clauses"])


def report(tag: str, old: list[Row], new: list[Row]) -> None:
    """Print what has changed."""
    before = {row["text"]: row for row in old}
    after = {row["text"]: row for row in new}
    changed = [text for text in after if text in before and before[text] != after[text]]
    gone, added = before.keys() - after.keys(), after.keys() - before.keys()
    print(f"{tag}: {len(changed)} changed, {len(added)} texts new, {len(gone)} texts gone")
    for text in changed[:SHOWN]:
        print(f"  {text!r}\n    - {said(before[text])}\n    + {said(after[text])}")
    if len(changed) > SHOWN:
        print(f"  … and {len(changed) - SHOWN} more")


def main() -> None:
    """Write the files of the languages asked for, or of all."""
    for tag in sys.argv[1:] or LANGUAGES:
        start = time.monotonic()
        rows, missed, cases = make(tag)
        report(tag, read_rows(tag), rows)
        size = write_rows(tag, rows)
        seconds = time.monotonic() - start
        print(
            f"{tag}: {len(rows)} texts, {size:,} bytes, {seconds:.0f} s;"
            f" {cases - len(missed)} of {cases} cases of rules reached"
        )
        if missed:
            print("  not reached: " + ", ".join(f"{name}/{number}" for name, number in missed))


if __name__ == "__main__":
    main()
