"""Many texts into labelled files, several at a time, with one voice that all threads share.

    python examples/server_batch.py texts.tsv --out spoken/ [--workers 2] [--format flac]

`texts.tsv` holds a line for each file: a name, a tab, the text.  Without it two lines are made up.
Files that are there already are left alone, so a batch that was stopped goes on.  Every file
carries the inaudible watermark and a label saying that it is synthetic (`VOICELET_LABEL`,
`VOICELET_PROVIDER`).
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import voicelet

LINES = ["welcome\tWelcome to the museum.", "closing\tThe museum closes in 15 minutes."]


def jobs(lines: list[str]) -> list[tuple[str, str]]:
    """Names and texts of lines such as "welcome<tab>Welcome."."""
    found = []
    for number, line in enumerate(lines, 1):
        name, tab, text = line.rstrip("\n").partition("\t")
        if not tab or not text.strip() or not name or Path(name).name != name:
            raise SystemExit(f"line {number} isn't a plain file name, a tab and a text: {line!r}")
        found.append((name, text))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Speak many texts.")
    parser.add_argument("texts", type=Path, nargs="?", help="name, tab, text a line")
    parser.add_argument("--out", type=Path, default=Path("spoken"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--format", choices=("flac", "wav", "opus", "mp3"), default="flac")
    args = parser.parse_args()

    lines = args.texts.read_text(encoding="utf-8").splitlines() if args.texts else LINES
    todo = jobs(lines)
    args.out.mkdir(parents=True, exist_ok=True)
    voice = voicelet.Voice.load()  # graphs run outside Python's lock, so threads help

    def one(job: tuple[str, str]) -> str | None:
        name, text = job
        path = args.out / f"{name}.{args.format}"
        if path.exists():
            return None
        try:
            audio = voice.synthesize(text)
            audio.save(path)  # appears whole or not at all
        except voicelet.VoiceletError as error:
            return f"{name}: {error}"
        print(f"{path}: {audio.seconds:.1f} s")
        return None

    with ThreadPoolExecutor(args.workers) as pool:
        failures = [failure for failure in pool.map(one, todo) if failure]
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
