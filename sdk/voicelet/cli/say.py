"""`voicelet say`: speak a text into a file, a pipe or the loudspeaker."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from voicelet.cli.labelling import add_label_options, labelling_of
from voicelet.cli.options import (
    add_voice_options,
    check_file,
    read_text,
    speech_options,
    split_voice,
)
from voicelet.cli.progress import Progress
from voicelet.cli.table import print_json
from voicelet.errors import ConfigError, OutputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voicelet.synth import Voice
    from voicelet.synth.labelling import Labelling

    Receive = Callable[[npt.ArrayLike], None]


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "say",
        help="speak a text",
        description="Speak a text: into a file (-o), to standard output (--raw) or aloud.",
    )
    parser.add_argument("text", nargs="*", metavar="TEXT", help="the text; - reads standard input")
    parser.add_argument("-f", "--file", metavar="FILE", help="read the text from a file (UTF-8)")
    target = parser.add_mutually_exclusive_group()
    target.add_argument("-o", "--output", metavar="FILE", help=".wav, .flac, .ogg, .opus or .mp3")
    target.add_argument(
        "--raw",
        action="store_true",
        help="samples to standard output as they come: mono, signed 16-bit little-endian",
    )
    target.add_argument("--play", action="store_true", help="play aloud (the default)")
    add_voice_options(parser)
    parser.add_argument(
        "--ssml",
        action="store_true",
        help="the text is SSML (else only if it opens with <speak>)",
    )
    parser.add_argument(
        "--lexicon", metavar="FILE", help="your own pronunciations (docs/reference/text.md)"
    )
    parser.add_argument(
        "--json", action="store_true", help="timings as JSON (on standard error with --raw)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    add_label_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    if args.raw and sys.stdout.isatty():
        raise ConfigError("--raw writes samples, not text; pipe it: voicelet say … --raw | aplay …")
    if args.output == "-":
        raise ConfigError("-o writes files; use --raw for standard output")
    if args.output is not None:
        check_file(args.output)
    labelling = labelling_of(args, args.output)
    text = read_text(args.text, args.file)

    from voicelet.synth import Voice
    from voicelet.synth.presets import find_voice
    from voicelet.synth.timing import speak

    options = speech_options(args)
    start = time.perf_counter()
    bundle, name = split_voice(args.bundle, args.voice)
    voice = Voice.load(
        bundle,
        threads=args.threads,
        user_lexicon=args.lexicon,
        trust_bundle=args.trust_bundle,
    )
    profile, preset = find_voice(name, voice.presets)
    load_ms = (time.perf_counter() - start) * 1e3
    quiet = False if args.quiet or args.json else None
    with (
        _sink(args, voice, labelling) as receive,
        Progress("speaking", enabled=quiet) as bar,
    ):
        labelling.introduce(voice, receive, profile=profile, preset=preset, options=options)
        timings = speak(
            voice, text, receive, bar.update, profile=profile, preset=preset, options=options
        )
    if args.json:
        report = {"load_ms": round(load_ms, 4), **timings.rounded(), "characters": len(text)}
        print_json({**report, "voice": args.voice, "output": args.output}, _json_stream(args))
    elif not timings.seconds:
        print("voicelet: the text holds nothing that can be spoken", file=sys.stderr)
    return 0


def _json_stream(args: argparse.Namespace) -> Any:
    return sys.stderr if args.raw else sys.stdout


@contextlib.contextmanager
def _sink(args: argparse.Namespace, voice: Voice, labelling: Labelling) -> Iterator[Receive]:
    from voicelet.audio.writer import pcm16

    if args.output is not None:
        with labelling.open(args.output, voice) as writer:
            yield writer.write
    elif args.raw:
        yield lambda samples: _write_raw(pcm16(samples))
    else:
        from voicelet.cli.player import Player

        with Player(voice.bundle.manifest.sample_rate_hz) as player:
            yield player.write


def _write_raw(content: bytes) -> None:
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output: {error.strerror}; is the disk full?") from error
