"""Fuzz one parser, or all: with atheris, which is guided by coverage, else with hypothesis.

    python tests/fuzz/fuzz.py profile --seconds 60
    make fuzz                                         # five minutes a parser

Inputs that led further are kept in FOLDER/TARGET (default: build/fuzz), and a later run goes on
from them.  The first input that a parser answers with an error that isn't voicelet's own ends the
run, and is written there as `crash-…`.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / part) for part in ("sdk", ".")]

try:
    import atheris
except ImportError:
    atheris = None

if atheris is None or TYPE_CHECKING:
    from tests.fuzz.targets import TARGETS, one
else:
    with atheris.instrument_imports(include=["voicelet"]):
        from tests.fuzz.targets import TARGETS, one

MAX_BYTES = 1 << 16
ODD = (b"\0", b"\xff" * 4, b"\x7f\xff\xff\xff", b"-1", b"1e999", b"NaN", b'"', b"{", b"<", b"\r\n")
"""What parsers stumble over."""


def fuzz(name: str, seconds: int, folder: Path) -> None:
    """Fuzz a target in this process; doesn't return where atheris is used."""
    target = TARGETS[name]
    folder.mkdir(parents=True, exist_ok=True)
    for index, seed in enumerate(target.seeds()):
        (folder / f"seed-{index}").write_bytes(seed)
    if atheris is None:
        mutate(name, seconds, folder)
        return
    options = [f"-max_total_time={seconds}", f"-max_len={MAX_BYTES}", "-rss_limit_mb=4096"]
    options += ["-timeout=60", "-print_final_stats=1", f"-artifact_prefix={folder}/", str(folder)]
    atheris.Setup([sys.argv[0], *options], lambda data: one(target, data))
    atheris.Fuzz()


def mutate(name: str, seconds: int, folder: Path) -> None:
    """Random changes to the seeds, where atheris can't be had."""
    rng = random.Random()
    seeds = [file.read_bytes() for file in sorted(folder.glob("seed-*"))] or [b""]
    begun, count = time.monotonic(), 0
    while time.monotonic() - begun < seconds:
        data = mutated(rng.choice(seeds), rng)
        try:
            one(TARGETS[name], data)
        except BaseException:
            crash = folder / f"crash-{hashlib.sha256(data).hexdigest()[:16]}"
            crash.write_bytes(data)
            print(f"{name}: {crash}", file=sys.stderr)
            raise
        count += 1
    print(f"{name}: {count} inputs, nothing unnamed")


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One to eight changes: bytes set, cut, doubled, or replaced by numbers that often hurt."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        place = rng.randrange(len(changed) + 1)
        span = min(rng.choice((1, 1, 2, 4, 8, 64)), len(changed) - place)
        kind = rng.randrange(4)
        if kind == 0:
            changed[place : place + span] = rng.randbytes(span)
        elif kind == 1:
            del changed[place : place + span]
        elif kind == 2:
            changed[place:place] = changed[place : place + span] * rng.choice((1, 2, 50))
        else:
            odd = (
                b"\0",
                b"\xff" * 4,
                b"\x7f\xff\xff\xff",
                b"-1",
                b"1e999",
                b"NaN",
                b'"',
                b"{",
                b"<",
            )
            changed[place : place + span] = rng.choice(odd)
    return bytes(changed[:MAX_BYTES])


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Fuzz the parsers.")
    parser.add_argument("target", nargs="?", choices=[*TARGETS], help="default: all, one by one")
    parser.add_argument("--seconds", type=int, default=300, help="a target (default: 300)")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "fuzz")
    args = parser.parse_args()
    if args.target is not None:
        fuzz(args.target, args.seconds, args.folder / args.target)
        return
    failed = []
    for name in TARGETS:  # each in a process of its own: a fuzzer ends its process
        options = [name, "--seconds", str(args.seconds), "--folder", str(args.folder)]
        if subprocess.call([sys.executable, __file__, *options]):
            failed.append(name)
    if failed:
        raise SystemExit(f"something unnamed was found in: {', '.join(failed)}")
    print(f"{len(TARGETS)} parsers, nothing unnamed")


if __name__ == "__main__":
    main()
