"""Options and look-ups that several commands share."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from voicelet.errors import ConfigError
from voicelet.text.reading import CAPITALS, PUNCTUATION

if TYPE_CHECKING:
    from voicelet.bundle import Bundle
    from voicelet.profiles.profile import Profile
    from voicelet.synth import Voice
    from voicelet.synth.options import SpeechOptions
    from voicelet.text.language import Language


def add_bundle_option(parser: argparse.ArgumentParser) -> None:
    """Add `--bundle`."""
    parser.add_argument(
        "--bundle",
        metavar="PATH",
        help="a bundle's folder, .voicelet file or installed name, or a Piper voice's .onnx "
        "(default: the built-in one)",
    )
    parser.add_argument(
        "--trust-bundle",
        action="store_true",
        help="you vouch for the bundle, though no key that you trust signed it",
    )


def opened_bundle(args: argparse.Namespace) -> Bundle | None:
    """The bundle of `--bundle`, None without it.

    Raises:
        BundleError: it can't be opened.
    """
    from voicelet.bundle import open_bundle

    if args.bundle is None:
        return None
    return open_bundle(args.bundle, trust_bundle=args.trust_bundle)


def add_voice_options(parser: argparse.ArgumentParser) -> None:
    """Add `--bundle`, `--voice`, `--threads` and what shapes the speech."""
    add_bundle_option(parser)
    parser.add_argument(
        "--voice",
        metavar="NAME",
        help="an enrolled profile or a preset (see: voicelet voices), or a Piper voice's .onnx",
    )
    parser.add_argument(
        "--speed", type=number(0.25, 5.0), default=1.0, help="1 is normal, 2 twice as fast"
    )
    parser.add_argument(
        "--pitch",
        type=number(-24.0, 24.0),
        default=0.0,
        metavar="SEMITONES",
        help="higher (+) or lower (-)",
    )
    parser.add_argument(
        "--energy", type=number(0.1, 4.0), default=1.0, help="1 is normal, 2 twice as loud"
    )
    parser.add_argument(
        "--style", default="neutral", metavar="NAME", help="neutral, calm, lively or whisper"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="same seed and text, same audio (default 0)"
    )
    parser.add_argument(
        "--language",
        metavar="TAG",
        help="of the text, such as en or es-MX; auto finds it out for each sentence (default: the "
        "voice's first language)",
    )
    parser.add_argument(
        "--strict-language",
        action="store_true",
        help="fail where SSML names a language that the voice doesn't speak, instead of reading "
        "the words in the language of the text",
    )
    parser.add_argument(
        "--purpose",
        default="own-use",
        metavar="PURPOSE",
        help="what it is for: own-use (the default), assistive, publishing, research; an enrolled "
        "voice's owner must have agreed to it",
    )
    parser.add_argument(
        "--punctuation",
        choices=PUNCTUATION,
        default="none",
        help="marks that are spoken by name, as screen readers have them (default none)",
    )
    parser.add_argument(
        "--capitals",
        choices=CAPITALS,
        default="none",
        help='how a capital is made known: say "cap", a higher pitch, or a tone (default none)',
    )
    add_threads_option(parser)


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add `--lexicon` and `--rules`."""
    parser.add_argument(
        "--lexicon", metavar="FILE", help="your own pronunciations (docs/reference/text.md)"
    )
    parser.add_argument(
        "--rules",
        action="append",
        default=[],
        metavar="FILE",
        help="your own rules of reading (docs/reference/text.md); may be given several times",
    )


def speech_options(args: argparse.Namespace) -> SpeechOptions:
    """What :func:`add_voice_options`, `--ssml` and `--label` ask for.

    Raises:
        ConfigError: there is no such style, a number is out of range, or the language is no tag.
        ConsentError: there is no such purpose.
    """
    from voicelet.synth.options import SpeechOptions

    return SpeechOptions(
        speed=args.speed,
        pitch_semitones=args.pitch,
        energy=args.energy,
        style=args.style,
        seed=args.seed,
        language=args.language,
        ssml=True if getattr(args, "ssml", False) else "auto",
        purpose=args.purpose,
        label=getattr(args, "label", None),
        punctuation=args.punctuation,
        capitals=args.capitals,
        key=getattr(args, "key", False),
        strict_language=args.strict_language,
    )


def text_language(
    voice: Voice, options: SpeechOptions, preset: str | None, profile: Profile | None
) -> Language:
    """The language that a voice's texts are in, for cutting them into sentences.

    Raises:
        ConfigError: the voice doesn't speak what is asked for, or no pack reads it.
    """
    from voicelet.synth.voice import front_end_of
    from voicelet.text.front_end import TextFrontEnd
    from voicelet.text.pack.packaged import find_language

    front_end = front_end_of(voice, options, preset, enrolled=profile is not None)
    return front_end.language if isinstance(front_end, TextFrontEnd) else find_language()


def add_threads_option(parser: argparse.ArgumentParser) -> None:
    """Add `--threads`."""
    parser.add_argument(
        "--threads", type=_positive, default=1, metavar="N", help="threads to use (default 1)"
    )


def number(low: float, high: float) -> Callable[[str], float]:
    """Return an argparse type for a number in a range."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number in {low:g}..{high:g}")
        return value

    return parse


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of threads, 1 to 64")
    return int(text)


def check_file(path: str) -> Path:
    """Return the path of an output whose folder exists.

    Raises:
        ConfigError: it has no folder to go to.
    """
    target = Path(path)
    try:
        ready = target.parent.is_dir()
    except (OSError, ValueError):
        ready = False
    if not ready:
        raise ConfigError(f"{path!r}: there is no folder {str(target.parent)!r}; make it first")
    return target


def split_voice(bundle: str | None, voice: str | None) -> tuple[str | None, str | None]:
    """Return the bundle to open and the voice in it; `--voice x.onnx` names a bundle.

    Raises:
        ConfigError: two bundles are named.
    """
    from voicelet.piper.open import is_piper

    if not is_piper(voice):
        return bundle, voice
    if bundle is not None:
        raise ConfigError("--voice names a Piper voice, --bundle another one; give one of them")
    return voice, None
