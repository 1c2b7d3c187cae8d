"""`voicelet record`: record a voice here, prompt by prompt, and enrol it."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicelet.cli.consent_options import add_consent_options, print_sentence
from voicelet.cli.enrol import check_free, enrol_and_save
from voicelet.cli.options import add_bundle_option, number, opened_bundle
from voicelet.cli.reading_session import ReadingSession, ask
from voicelet.cli.recorder import require_recorder
from voicelet.errors import ConfigError, ConsentError, LivenessRejectedError
from voicelet.files import make_private

if TYPE_CHECKING:
    from voicelet.bundle import Bundle
    from voicelet.enrolment.reading.prompts import Prompt

WANTED_S = 40.0
LEAST_S = 3.0
"""What enrolment needs at the very least."""


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "record",
        help="record a voice here, with a guide, and enrol it",
        description="Guide somebody through sentences that hold all sounds of English, judge every "
        "recording at once, and enrol the voice when 30 to 60 seconds of good speech are there. "
        "Recordings are held in memory and forgotten, except with --out.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="what to call the profile")
    parser.add_argument(
        "--out", metavar="FOLDER", help="only save the recordings, in a new folder; enrol nobody"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--words", action="store_true", help="short words instead of sentences")
    what.add_argument(
        "--prompts",
        metavar="FILE",
        help="your own: a sentence or the path of a picture a line (docs/guides/enrolment.md)",
    )
    parser.add_argument(
        "--repeat",
        action="store_true",
        help="speak every prompt first, to be repeated by somebody who doesn't read",
    )
    parser.add_argument(
        "--seconds",
        type=number(LEAST_S, 180.0),
        default=WANTED_S,
        help="of speech to record (default 40; 30 to 60 are best)",
    )
    parser.add_argument(
        "--replace", action="store_true", help="replace a profile of that name, if there is one"
    )
    add_consent_options(parser)
    add_bundle_option(parser)
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from voicelet.bundle import open_bundle
    from voicelet.profiles.names import check_name
    from voicelet.profiles.vault.vault import Vault

    if args.name is None and args.out is None:
        raise ConfigError("name the profile: voicelet record NAME; or save only: --out FOLDER")
    if args.sentence and args.name is not None:
        print_sentence(check_name(args.name))
        return 0
    vault = None
    if args.out is None:
        vault = Vault()
        check_name(args.name)
        check_free(args, vault)
    require_recorder()
    bundle = opened_bundle(args) or open_bundle(None)
    prompts = _prompts(args, bundle)
    folder = _new_folder(args.out) if args.out is not None else None
    session = ReadingSession(prompts, bundle, args.seconds, repeat=args.repeat, folder=folder)
    try:
        session.run()
    finally:
        if folder is not None and not session.clips:
            with contextlib.suppress(OSError):
                folder.rmdir()
    if folder is not None:
        if not session.clips:
            raise ConfigError("nothing was kept, so nothing was saved")
        print(f"saved {len(session.clips)} recordings, {session.speech_s:.0f} s of speech, in")
        print(folder)
        return 0
    assert vault is not None
    if session.speech_s < LEAST_S:
        raise ConfigError(
            f"stopped with {session.speech_s:.0f} s of good speech; {LEAST_S:g} s are needed for a"
            " voice, 30 to 60 s for a good one. Nothing was kept"
        )
    recordings = [(clip.samples, clip.sample_rate_hz) for clip in session.clips]
    text = " ".join(clip.prompt.text for clip in session.clips).strip()
    while True:
        try:
            enrol_and_save(args, recordings, text or None, vault)
            return 0
        except (ConsentError, LivenessRejectedError) as error:
            # The recordings are good: whoever stumbles over the sentence needn't read all again.
            asked_aloud = args.spoken_consent is None and args.scripted_consent is None
            if not (asked_aloud and sys.stdin.isatty()):
                raise
            print(f"\n{error}", file=sys.stderr)
            if ask("Enter: try the sentence again · q: give up > ") != "":
                raise


def _prompts(args: argparse.Namespace, bundle: Bundle) -> tuple[Prompt, ...]:
    from voicelet.enrolment.enrolment import phones_of_text
    from voicelet.enrolment.reading.prompts import (
        order_by_coverage,
        read_prompts,
        sentences,
        short_words,
    )

    if args.prompts is not None:
        return read_prompts(args.prompts)
    chosen = short_words() if args.words else sentences()
    return order_by_coverage(
        chosen, lambda text: phones_of_text(text, bundle), bundle.manifest.phones
    )


def _new_folder(name: str) -> Path:
    folder = Path(name)
    try:
        make_private(folder)
        if any(os.scandir(folder)):
            raise ConfigError(f"the folder {name!r} isn't empty; choose another for the recordings")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"can't make the folder {name!r}: {reason}; choose another") from None
    return folder
