"""Quality of voicelet beside its peers, its teacher and real recordings.

    python -m benchmarks.quality score-folder DIR...       measure wavs listed in DIR/texts.tsv
    python -m benchmarks.quality score-copies DIR...       measure copies listed in DIR/copies.tsv
    python -m benchmarks.quality copy-synthesis [BUNDLE...] --corpus C --out DIR
                                                            measure the vocoders of bundles
    python -m benchmarks.quality references --corpus C --out DIR
                                                            write the held-out people's recordings
    python -m benchmarks.quality run --systems voicelet,piper,teacher --corpus C --out DIR

`run` is the default: `python -m benchmarks.quality --systems ...` is the same.
See docs/research/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import copies, heldout, people
from benchmarks.common import BenchmarkError
from benchmarks.report.build import RECORDINGS, write_report
from benchmarks.report.tables import markdown
from benchmarks.speaking import DATA, make_systems, read_sentences, speak
from voicelet.errors import VoiceletError
from voicelet_export.metrics.base import bench_home
from voicelet_export.metrics.cache import Cache
from voicelet_export.metrics.folder import read_copies, read_folder
from voicelet_export.metrics.scoring import FolderScore, Metrics, compare_copies, score_clips


def progress(name: str) -> Callable[[int, int], None]:
    """A progress line on standard error; silent where that isn't a terminal."""

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{name}: {done}/{total}" + ("\n" if done == total else ""))
            sys.stderr.flush()

    return show


def cache_of(args: argparse.Namespace) -> Cache:
    """The cache that the command line asks for."""
    return Cache(None if args.no_cache else bench_home() / "cache")


def score_each(
    folders: list[Path], file: str, score_one: Callable[[str, Path], FolderScore]
) -> None:
    """Score folders by `score_one(name, folder)`; print a table, leave `file` in each."""
    rows = []
    for folder in folders:
        name = folder.resolve().name
        score = score_one(name, folder)
        (folder / file).write_text(json.dumps(score.mapping(), indent=1), "utf-8")
        rows.append((name, score.summary))
    print(markdown(rows), end="")


def score_folder(args: argparse.Namespace) -> None:
    """Measure folders; print a table, leave `score.json` in each."""
    metrics = Metrics(cache_of(args))
    score_each(
        args.folders,
        "score.json",
        lambda name, folder: score_clips(name, read_folder(folder), metrics, progress(name)),
    )


def score_copies(args: argparse.Namespace) -> None:
    """Compare copies with originals; print a table, leave `copies.json` in each folder."""
    cache = cache_of(args)
    score_each(
        args.folders,
        "copies.json",
        lambda name, folder: compare_copies(name, read_copies(folder), cache, progress(name)),
    )


def copy_synthesis(args: argparse.Namespace) -> None:
    """Let the vocoders of bundles copy originals, and compare."""
    originals = copies.write_originals(args.corpus, heldout.load(), args.out)
    args.folders = []
    for bundle in args.bundles or [None]:
        folder = args.out / f"vocoder-{bundle.stem if bundle else 'default'}"
        copies.write_copies(originals, copies.bundle_vocoder(bundle), folder)
        args.folders.append(folder)
    score_copies(args)


def run(args: argparse.Namespace) -> None:
    """Let systems speak, measure them beside recordings of real people, write the report."""
    systems = make_systems(args.systems)
    sentences = read_sentences(DATA / "sentences.txt")[: args.sentences]
    if args.numbers:
        sentences += read_sentences(DATA / "numbers.txt")
    if args.hard:
        sentences += read_sentences(DATA / "hard.txt")
    held_out = heldout.load()
    cache = cache_of(args)
    folders: dict[str, Path] = {}
    references: list[people.Reference] = []
    wanted = [item.strip() for item in args.systems.split(",")]
    if "recordings" in wanted or any(s.clones for s in systems):
        if args.corpus is None:
            raise BenchmarkError("recordings of real people are needed; pass --corpus")
        references = people.write_people(args.corpus, held_out, args.out)
        folders[RECORDINGS] = args.out / RECORDINGS
        if args.people == "teacher":
            references = people.write_teacher_speakers(args.corpus, held_out, args.out)
    for system in systems:
        folders[system.name] = speak(
            system,
            sentences,
            references,
            args.per_person,
            args.out / system.name,
            cache,
            progress(f"{system.name} speaks"),
        )
    metrics = Metrics(cache)
    clips = {name: read_folder(folder) for name, folder in folders.items()}
    scores = [score_clips(name, clips[name], metrics, progress(name)) for name in folders]
    print(write_report(scores, clips, args.out, args.rows), end="")


def write_references(args: argparse.Namespace) -> None:
    """Write the held-out people's recordings."""
    held_out = heldout.load()
    people.write_people(args.corpus, held_out, args.out)
    people.write_teacher_speakers(args.corpus, held_out, args.out)
    copies.write_originals(args.corpus, held_out, args.out)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run", help="let systems speak, and measure them")
    one.add_argument("--systems", default="recordings,voicelet,piper,teacher")
    one.add_argument("--corpus", type=Path, help='folder with the corpora "real" and "teacher"')
    one.add_argument("--out", type=Path, required=True)
    one.add_argument("--sentences", type=int, default=20, help="how many everyday sentences")
    one.add_argument("--numbers", action="store_true", help="sentences with numbers as well")
    one.add_argument("--hard", action="store_true", help="longer and harder sentences as well")
    one.add_argument("--per-person", type=int, default=2, help="sentences in each cloned voice")
    one.add_argument("--people", choices=("real", "teacher"), default="real")
    one.add_argument("--rows", type=int, default=16, help="sentences and people to listen to")
    one.add_argument("--no-cache", action="store_true", help="speak and measure everything again")
    one.set_defaults(go=run)
    one = commands.add_parser("score-folder", help="measure wavs listed in DIR/texts.tsv")
    one.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    one.add_argument("--no-cache", action="store_true", help="measure again what is in the cache")
    one.set_defaults(go=score_folder)
    one = commands.add_parser("score-copies", help="measure copies listed in DIR/copies.tsv")
    one.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    one.add_argument("--no-cache", action="store_true", help="measure again what is in the cache")
    one.set_defaults(go=score_copies)
    one = commands.add_parser("copy-synthesis", help="vocoders copy recordings of held-out people")
    one.add_argument("bundles", nargs="*", type=Path, metavar="BUNDLE")
    one.add_argument("--corpus", type=Path, required=True)
    one.add_argument("--out", type=Path, required=True)
    one.add_argument("--no-cache", action="store_true", help="measure again what is in the cache")
    one.set_defaults(go=copy_synthesis)
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
    except VoiceletError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
