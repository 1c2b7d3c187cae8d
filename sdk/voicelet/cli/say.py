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
    add_reading_options,
    add_voice_options,
    check_file,
    speech_options,
    split_voice,
    text_language,
)
from voicelet.cli.process import complain
from voicelet.cli.progress import Progress
from voicelet.cli.table import print_json
from voicelet.cli.text_input import (
    add_text_options,
    arrives,
    check_piece,
    is_marks,
    pieces,
    read_text,
)
from voicelet.errors import ConfigError, OutputError, TextError
from voicelet.text.encoding import check_encoding

if TYPE_CHECKING:
    import numpy.typing as npt

    from voicelet.audio.features import FloatArray
    from voicelet.profiles.profile import Profile
    from voicelet.synth import Voice
    from voicelet.synth.labelling import Labelling
    from voicelet.synth.options import SpeechOptions
    from voicelet.synth.timing import Timings
    from voicelet.text.language import Pauses

    Receive = Callable[[npt.ArrayLike], None]


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "say",
        help="speak a text",
        description="Speak a text: into a file (-o), to standard output (--raw) or aloud.",
    )
    add_text_options(parser)
    parser.add_argument(
        "--lines",
        action="store_true",
        help="speak each line by itself, as soon as it arrives; one that can't be spoken is"
        " reported, and the next one goes on",
    )
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
        "--key",
        action="store_true",
        help='the text is one character or the name of a key, such as "a", "?", Enter, F5, Ctrl+C',
    )
    add_reading_options(parser)
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
    arriving = arrives(args)
    text = "" if arriving else read_text(args)
    if args.encoding is not None:
        check_encoding(args.encoding)

    from voicelet.synth import Voice
    from voicelet.synth.presets import find_voice

    options = speech_options(args)
    start = time.perf_counter()
    bundle, name = split_voice(args.bundle, args.voice)
    voice = Voice.load(
        bundle,
        threads=args.threads,
        user_lexicon=args.lexicon,
        user_rules=args.rules,
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
        language = text_language(voice, options, preset, profile)
        speaker = _Speaker(voice, receive, profile, preset, options, language.pauses)
        if arriving:
            marks = ""  # such as a line of stars between scenes; spoken only if it is all there is
            for piece in pieces(args, language, lines=args.lines):
                if not (args.lines or args.key) and is_marks(piece):
                    marks += piece
                    speaker.pass_over(piece)
                else:
                    speaker.say_piece(piece, args.encoding, goes_on=args.lines)
            if marks.strip() and speaker.timings is None:
                speaker.say(marks)
        elif args.lines:
            for line in text.splitlines(keepends=True):
                speaker.say_piece(line, args.encoding, goes_on=True)
                bar.update(speaker.characters / len(text))
        else:
            speaker.say(text, bar.update)
    timings = speaker.timings
    if args.json:
        figures = {} if timings is None else timings.rounded()
        report = {"load_ms": round(load_ms, 4), **figures, "characters": speaker.characters}
        print_json({**report, "voice": args.voice, "output": args.output}, _json_stream(args))
    elif (timings is None or not timings.seconds) and not speaker.exit_code:
        print("voicelet: the text holds nothing that can be spoken", file=sys.stderr)
    return speaker.exit_code


class _Speaker:
    """Speaks one piece of text after the other, with pauses between them.

    Attributes:
        timings: of all pieces so far; None before the first.
        characters: of all pieces so far.
        exit_code: 0, or that of the first piece that couldn't be spoken.
    """

    def __init__(
        self,
        voice: Voice,
        receive: Receive,
        profile: Profile | None,
        preset: str | None,
        options: SpeechOptions,
        pauses: Pauses,
    ) -> None:
        self._voice, self._receive = voice, receive
        self._profile, self._preset, self._options = profile, preset, options
        self._pauses = pauses
        self._pause_ms = 0
        self._gap = ""
        """The blanks since the last piece."""
        self._line = 1
        self.timings: Timings | None = None
        self.characters = 0
        self.exit_code = 0

    def say(self, text: str, on_progress: Callable[[float], None] | None = None) -> None:
        """Speak a text."""
        from voicelet.synth.timing import speak

        self.characters += len(text)
        timings = speak(
            self._voice,
            text,
            self._receive_after_pause,
            on_progress,
            profile=self._profile,
            preset=self._preset,
            options=self._options,
        )
        self.timings = timings if self.timings is None else self.timings.followed_by(timings)

    def say_piece(self, piece: str, encoding: str | None, *, goes_on: bool) -> None:
        """Speak a sentence, a paragraph or a line, and be silent for a while before the next.

        Args:
            goes_on: report a piece that can't be spoken instead of ending with its error.
        """
        spoken = self.timings is not None and self.timings.seconds > 0.0
        key = self._options.key
        text = piece.strip("\r\n") if key else piece.strip()
        self._gap += piece[: piece.index(text)] if text else piece
        self._pause_ms = 0
        if spoken and not key:
            new_paragraph = self._gap.count("\n") > 1
            pauses = self._pauses
            self._pause_ms = pauses.paragraph_ms if new_paragraph else pauses.sentence_ms
        try:
            if text:
                check_piece(piece, self._line, encoding)
                self.say(piece)
        except TextError as error:
            if not goes_on:
                raise
            complain("voicelet", f"{error} (line {self._line})")
            self.exit_code = self.exit_code or error.exit_code
        self._line += piece.count("\n")
        if text:
            self._gap = piece[len(piece.rstrip()) :]

    def pass_over(self, piece: str) -> None:
        """Count a piece that isn't spoken as a part of the gap before the next."""
        self._gap += piece
        self._line += piece.count("\n")

    def _receive_after_pause(self, samples: FloatArray) -> None:
        if self._pause_ms and len(samples):
            silence = self._voice.sample_rate_hz * self._pause_ms // 1000
            self._receive(samples[:1].repeat(silence) * 0.0)
            self._pause_ms = 0
        self._receive(samples)


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
