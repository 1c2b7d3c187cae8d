"""How well voices, sentences and origins are told apart, on people nothing was trained with.

    python -m benchmarks.verification voice --corpus CORPUS/real --out verification.json
    python -m benchmarks.verification text --corpus CORPUS/real --out verification.json
    python -m benchmarks.verification origin --clips CLIPS --out verification.json
    python -m benchmarks.verification consent --corpus CORPUS --out verification.json
    python -m benchmarks.verification fit-text --corpus CORPUS/real

`CLIPS` is a folder of `python -m benchmarks.verification.clips`.

Every run adds its part to the file, and prints it as a table.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.verification.consent import consent_rows
from benchmarks.verification.origin import origin_rows
from benchmarks.verification.tables import fit_text, text_rows, voice_rows
from voicelet.errors import VoiceletError
from voicelet.files import atomic_file


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as a table; rates in percent."""
    percent = {"eer", "eer_low", "eer_high", "miss", "false_alarm"}
    percent |= {"refused", "refused_low", "refused_high", "accepted_high"}
    percent |= {"miss at 0.1 % false alarms"}

    def cell(name: str, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, float):
            return f"{100 * value:.2f} %" if name in percent else f"{value:.3g}"
        return str(value)

    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(cell(n, row.get(n)) for n in names) + " |" for row in rows]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one part of the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.verification", description=__doc__)
    parser.add_argument("part", choices=["voice", "text", "origin", "consent", "fit-text"])
    parser.add_argument("--corpus", type=Path, help="the packed corpus of people")
    parser.add_argument("--clips", type=Path, help="for origin: folder of train and test clips")
    parser.add_argument("--out", type=Path, help="JSON to which the part is added")
    parser.add_argument(
        "--limit",
        type=int,
        default=0,
        help="only so many people of each corpus, or attempts of each attack",
    )
    parser.add_argument(
        "--engine", action="append", default=[], help="for consent: another synthesizer, NAME=HOW"
    )
    args = parser.parse_args(argv)

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    if (args.clips if args.part == "origin" else args.corpus) is None:
        parser.error("origin needs --clips, every other part --corpus")
    if args.part == "fit-text":
        print(" ".join(f"{weight:.4f}" for weight in fit_text(args.corpus, args.limit)))
        return 0
    if args.part == "origin":
        rows = origin_rows(args.clips, tell)
    elif args.part == "consent":
        rows = consent_rows(args.corpus, args.limit, args.engine, tell)
    else:
        rows = (voice_rows if args.part == "voice" else text_rows)(args.corpus, args.limit, tell)
    print(markdown(rows))
    if args.out is not None:
        known = json.loads(args.out.read_text("utf-8")) if args.out.exists() else {}
        with atomic_file(args.out) as file:
            file.write((json.dumps({**known, args.part: rows}, indent=1) + "\n").encode())
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except VoiceletError as error:
        sys.exit(f"benchmarks.verification: {error}")
