"""How many homographs are said in the reading that is meant, word by word.

    python -m benchmarks.homographs [--wikipedia eval.tsv] [--spoken FILE.tsv] [--out FILE.json]

Every sentence is normalized, cut into clauses and pronounced by the packaged voice's front end; the
homograph is right if its phones are those of the reading that the file gives.  `--wikipedia` takes
a file of WikipediaHomographData (Apache-2.0), with its labels as they stand; `--spoken` takes
lines `word TAB sense TAB sentence`, by default those that no model was trained on and no rule
written for.  The time is that of choosing readings, for a clause without homographs and one with.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from voicelet.text.lexicon import Lexicon
from voicelet.text.pack.packaged import find_language
from voicelet.text.phonemize import Phonemizer
from voicelet.text.phones import PhoneInventory
from voicelet.text.words import Word
from voicelet_export.corpus.homographs import (
    HomographExample,
    read_spoken_homographs,
    read_wikipedia_homographs,
)

ROOT = Path(__file__).resolve().parent.parent
LEXICON = ROOT / "sdk/voicelet/voices/default/lexicon.bin"
SPOKEN = ROOT / "tests/languages/en/homographs_spoken_heldout.tsv"

_CLAUSE = "we had planned to {} along the river before it got too dark to see"
_TIMED = 2000


def measure(examples: Sequence[HomographExample], phonemizer: Phonemizer) -> dict[str, object]:
    """Right and count, in all and by word, and the mistakes."""
    by_word: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    mistakes = []
    for example in examples:
        word = Word(example.texts[example.place], (0, 1))
        senses = phonemizer.rules.senses(example.keys, example.place, example.texts)
        said = phonemizer.pronounce(word, senses)
        right = said == phonemizer.pronounce(word, (example.sense,))
        by_word[example.word][0] += right
        by_word[example.word][1] += 1
        if not right:
            mistakes.append([example.word, example.sense, said, " ".join(example.texts)])
    right_count = len(examples) - len(mistakes)
    return {
        "right": right_count,
        "count": len(examples),
        "share": round(right_count / max(1, len(examples)), 4),
        "by_word": {word: by_word[word] for word in sorted(by_word)},
        "mistakes": mistakes,
    }


def time_us(phonemizer: Phonemizer, word: str) -> float:
    """Microseconds to ask for the senses of all words of a clause; the best of five rounds."""
    words = _CLAUSE.format(word).split()
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(_TIMED):
            for place in range(len(words)):
                phonemizer.rules.senses(words, place, words)
        best = min(best, time.perf_counter() - start)
    return round(1e6 * best / _TIMED, 1)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.homographs", description=__doc__)
    parser.add_argument("--wikipedia", type=Path, help="a file of WikipediaHomographData")
    parser.add_argument("--spoken", type=Path, default=SPOKEN, help="word, sense, sentence")
    parser.add_argument("--lexicon", type=Path, default=LEXICON, help="lexicon.bin of a voice")
    parser.add_argument("--out", type=Path, help="write all figures and mistakes here, as JSON")
    args = parser.parse_args(argv)
    phonemizer = Phonemizer(Lexicon.open(args.lexicon), None, PhoneInventory(), find_language("en"))
    report: dict[str, object] = {}
    files = [("spoken", read_spoken_homographs(args.spoken))]
    if args.wikipedia is not None:
        files.append(("wikipedia", read_wikipedia_homographs(args.wikipedia, corrected=False)))
    for name, examples in files:
        figures = measure(list(examples), phonemizer)
        report[name] = figures
        print(f"{name}: {figures['right']} of {figures['count']} right ({figures['share']:.2%})")
        words = figures["by_word"]
        assert isinstance(words, dict)
        worst = sorted(words, key=lambda word: words[word][0] - words[word][1])[:12]
        print("  most mistakes:", ", ".join(f"{w} {words[w][0]}/{words[w][1]}" for w in worst))
    report["clause_without_us"] = time_us(phonemizer, "walk")
    report["clause_with_us"] = time_us(phonemizer, "read")
    print(
        f"time: {report['clause_without_us']} µs a clause of {len(_CLAUSE.split())} words without"
        f" homographs, {report['clause_with_us']} µs with one"
    )
    if args.out is not None:
        args.out.write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
