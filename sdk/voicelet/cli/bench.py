"""`voicelet bench`: how fast a voice speaks on this machine."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from typing import Any

from voicelet.cli.options import (
    add_bundle_option,
    add_threads_option,
    number,
    split_voice,
)
from voicelet.cli.progress import Progress
from voicelet.cli.table import print_json, print_pairs

TEXT = (
    "The train to the coast leaves at a quarter past seven, and the tickets are on the table. "
    "If you can't find them, ask Maria; she put everything away before she went to bed."
)


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "bench",
        help="measure speed and memory",
        description="Speak a text several times and print medians.",
    )
    add_bundle_option(parser)
    add_threads_option(parser)
    parser.add_argument("--voice", metavar="NAME", help="an enrolled profile or a preset")
    parser.add_argument("--text", default=TEXT, help="what to say (default: two sentences)")
    parser.add_argument(
        "--repeat", type=number(1, 1000), default=5, metavar="N", help="runs (default 5)"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from voicelet.errors import TextError
    from voicelet.synth import Voice
    from voicelet.synth.presets import find_voice
    from voicelet.synth.timing import Timings, speak

    start = time.perf_counter()
    bundle, name = split_voice(args.bundle, args.voice)
    voice = Voice.load(bundle, threads=args.threads, trust_bundle=args.trust_bundle)
    load_ms = (time.perf_counter() - start) * 1e3
    manifest = voice.bundle.manifest
    profile, preset = find_voice(name, voice.presets)
    runs: list[Timings] = []
    repeat = int(args.repeat)
    with Progress("measuring", enabled=False if args.json else None) as progress:
        for number_ in range(repeat + 1):  # the first one warms up
            runs.append(
                speak(voice, args.text, lambda samples: None, profile=profile, preset=preset)
            )
            progress.update((number_ + 1) / (repeat + 1))
    if not runs[0].seconds:
        raise TextError("the text holds nothing that can be spoken; give another with --text")
    report = {
        "seconds": runs[0].seconds,
        "load_ms": load_ms,
        "first_run_first_audio_ms": runs[0].first_audio_ms,
        "first_audio_ms": _median([r.first_audio_ms for r in runs[1:]]),
        "wall_seconds": _median([r.synthesis_ms for r in runs[1:]]) / 1e3,
        "cpu_seconds": _median([r.cpu_ms for r in runs[1:]]) / 1e3,
        "rtf": _median([r.rtf for r in runs[1:]]),
        "peak_mb": runs[-1].peak_mb,
        "bundle_mb": manifest.total_bytes / 1e6,
        "threads": args.threads,
        "runs": repeat,
    }
    if args.json:
        print_json({k: round(v, 4) if isinstance(v, float) else v for k, v in report.items()})
    else:
        print_pairs({k: "unknown" if v is None else f"{v:.4g}" for k, v in report.items()})
    return 0


def _median(values: Sequence[float | None]) -> float:
    return statistics.median(v for v in values if v is not None)
