"""`voicelet detect`: was this said by voicelet?"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from voicelet.cli.progress import Progress
from voicelet.cli.table import print_json, print_pairs, print_table

if TYPE_CHECKING:
    from voicelet.trust.watermark.detect import Detection
    from voicelet.trust.watermark.pattern import Payload

MAX_SECONDS = 3600.0


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "detect",
        help="look for voicelet's watermark in a recording",
        description="Look for the inaudible mark that all speech of voicelet carries: how probable "
        "it is, what it says, and where in the recording it lies.",
    )
    parser.add_argument("file", metavar="FILE", nargs="+", help="WAV, FLAC, Ogg, Opus or MP3")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="FILE",
        help="an operator's key that payloads may be written with",
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help="don't search for changes of speed and pitch, nor in pieces",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from voicelet.audio.io import read_audio
    from voicelet.trust.provenance import provenance
    from voicelet.trust.watermark.detect import detect_watermark
    from voicelet.trust.watermark.mark import read_key
    from voicelet.trust.watermark.thorough import ThoroughSearch

    keys = [read_key(path) for path in args.key]
    answers = []
    for path in args.file:
        audio = read_audio(path, max_seconds=MAX_SECONDS)
        if audio.cut_at_limit:
            print(f"voicelet: {path}: only the first hour is looked at", file=sys.stderr)
        with Progress("searching", enabled=False if args.json else None) as progress:
            detection = detect_watermark(
                audio.samples,
                audio.sample_rate_hz,
                keys=keys,
                scales=not args.fast,
                thorough=None if args.fast else ThoroughSearch(),
                progress=progress.update,
            )
        source = provenance(path)
        if args.json:
            labels = {"label": source.label, "credentials": source.credentials}
            answers.append({"file": path, **_as_dict(detection), **labels})
        else:
            _print(path, detection, source.lines())
    if args.json:
        print_json(answers[0] if len(answers) == 1 else answers)
    return 0


def _print(path: str, detection: Detection, labels: dict[str, str]) -> None:
    payload = detection.payload
    verdict = "voicelet's watermark" if detection.found else "no watermark of voicelet"
    pairs = {"file": path, "found": verdict, "probability": f"{detection.probability:.4f}"}
    if detection.found:
        pairs["model"] = "can't be read" if payload is None else f"{payload.model:#04x}"
    if payload is not None:
        pairs["spoken"] = f"in the week of {payload.monday.isoformat()}"
        pairs["key"] = "the public one" if payload.key_id == 0 else f"{payload.key_id:#04x}"
    print_pairs({**pairs, **labels})
    if detection.segments:
        print()
        rows = [
            [f"{s.start_s:.1f}", f"{s.end_s:.1f}", f"{s.score:.1f}", f"{s.tempo:g}", f"{s.pitch:g}"]
            for s in detection.segments
        ]
        print_table(["from s", "to s", "score", "tempo", "pitch"], rows)
    print()


def _as_dict(detection: Detection) -> dict[str, Any]:
    return {
        "found": detection.found,
        "probability": detection.probability,
        "score": detection.score,
        "payload": _payload(detection.payload),
        "segments": [
            {
                "start_s": s.start_s,
                "end_s": s.end_s,
                "score": s.score,
                "tempo": s.tempo,
                "pitch": s.pitch,
                "payload": _payload(s.payload),
            }
            for s in detection.segments
        ],
    }


def _payload(payload: Payload | None) -> dict[str, Any] | None:
    if payload is None:
        return None
    return {
        "version": payload.version,
        "model": payload.model,
        "week_of": payload.monday.isoformat(),
        "key_id": payload.key_id,
    }
