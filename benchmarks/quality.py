"""Quality of voicelet beside its peers, its teacher and real recordings.

    python -m benchmarks.quality score-folder DIR...       judge wavs listed in DIR/texts.tsv
    python -m benchmarks.quality references --corpus C --out DIR
                                                            write the held-out people's recordings
    python -m benchmarks.quality run --systems voicelet,piper,teacher --corpus C --out DIR

`run` is the default: `python -m benchmarks.quality --systems ...` is the same.
See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from pathlib import Path

from benchmarks import heldout, people
from benchmarks.common import BenchmarkError, Cache, home
from benchmarks.folder import read_folder
from benchmarks.report.tables import markdown
from benchmarks.scoring import FolderScore, Judges, score_clips

COMMANDS = ("run", "score-folder", "references")


def progress(name: str) -> None:
    """Nothing yet."""


def show(done: int, total: int, name: str) -> None:
    """A progress line on standard error."""
    end = "\n" if done == total else ""
    sys.stderr.write(f"\r{name}: {done}/{total}{end}")
    sys.stderr.flush()


def as_json(score: FolderScore) -> dict[str, object]:
    """A score as JSON keeps it."""
    return {"name": score.name, "summary": score.summary, "clips": list(score.clips)}


def score_folder(args: argparse.Namespace) -> None:
    """Judge folders; print a table, leave `score.json` in each."""
    judges = Judges(Cache(None if args.no_cache else home() / "cache"))
    rows = []
    for folder in args.folders:
        name = folder.resolve().name
        score = score_clips(
            name, read_folder(folder), judges, lambda d, t, n=name: show(d, t, n)  # type: ignore[misc]
        )
        (folder / "score.json").write_text(json.dumps(as_json(score), indent=1), "utf-8")
        rows.append((name, score.summary))
    print(markdown(rows), end="")


def write_references(args: argparse.Namespace) -> None:
    """Write the held-out people's recordings."""
    held_out = heldout.load()
    people.write_people(args.corpus, held_out, args.out)
    people.write_teacher_speakers(args.corpus, held_out, args.out)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    one = commands.add_parser("score-folder", help="judge wavs listed in DIR/texts.tsv")
    one.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    one.add_argument("--no-cache", action="store_true", help="judge again what was judged before")
    one.set_defaults(go=score_folder)
    one = commands.add_parser("references", help="write the held-out people's recordings")
    one.add_argument("--corpus", type=Path, required=True)
    one.add_argument("--out", type=Path, required=True)
    one.set_defaults(go=write_references)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run a command; 0, or 1 with a message."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0].startswith("--") and argv[0] != "--help":
        argv = ["run", *argv]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    logging.basicConfig(level=logging.WARNING)
    args = parser().parse_args(argv)
    try:
        args.go(args)
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
