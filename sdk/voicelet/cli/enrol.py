"""`voicelet enrol`: make a profile of a person from recordings."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from voicelet.cli import challenge
from voicelet.cli.consent_options import add_consent_options, gather_consent, print_sentence
from voicelet.cli.options import add_bundle_option, opened_bundle
from voicelet.cli.progress import Progress
from voicelet.cli.table import print_json, print_pairs
from voicelet.errors import AudioError, ConfigError, ProfileError

if TYPE_CHECKING:
    from voicelet.audio.source import Recording
    from voicelet.profiles.profile import QualitySummary
    from voicelet.profiles.vault.vault import Vault


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "enrol",
        aliases=["enroll"],
        help="make a profile of a voice from recordings",
        description="Make a profile of one person's voice from 30 to 60 seconds of speech "
        "(3 at least) in one or more recordings: WAV, FLAC, OGG or MP3, any rate. The speaker has "
        "to agree, by reading a sentence aloud: on a terminal the command asks for it.",
    )
    parser.add_argument("name", metavar="NAME", help="what to call the profile")
    parser.add_argument("files", nargs="*", metavar="FILE", help="recordings of one person")
    parser.add_argument("--text", help="what is said in them, to report which sounds it covers")
    parser.add_argument(
        "--replace", action="store_true", help="replace a profile of that name, if there is one"
    )
    add_consent_options(parser)
    add_bundle_option(parser)
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from voicelet.profiles.names import check_name
    from voicelet.profiles.vault.vault import Vault

    vault = Vault()
    check_name(args.name)
    if args.sentence:
        print_sentence(args.name)
        return 0
    if not args.files:
        raise ConfigError("name recordings of the voice: voicelet enrol NAME FILE…")
    check_free(args, vault)
    _check_recordings(args.files)  # before anybody reads a sentence aloud
    enrol_and_save(args, args.files, args.text, vault)
    return 0


def enrol_and_save(
    args: argparse.Namespace, recordings: Sequence[Recording], text: str | None, vault: Vault
) -> None:
    """Ask for consent, make the profile, store it, and report: what `record` does as well.

    Args:
        args: of the command: its name, bundle, consent, `replace` and `json`.
        text: what is said in the recordings.

    Raises:
        VoiceletError: as `enrol` and `Vault.save` raise it, and if nobody agrees.
    """
    from voicelet.enrolment.consent import follow_consent
    from voicelet.enrolment.enrolment import enrol

    consent = gather_consent(args, args.name)
    with Progress("listening", enabled=False if args.json else None) as progress:
        profile = enrol(
            recordings,
            consent=consent,
            name=args.name,
            text=text,
            bundle=opened_bundle(args),
            progress=progress.update,
        )
    previous = (
        next((p for p in vault.list() if p.name == args.name), None) if args.replace else None
    )
    if previous is not None:
        profile = follow_consent(profile, previous)
    vault.save(profile, replace=args.replace)
    challenge.forget_sentence(args.name)
    if args.json:
        record = profile.consent
        consent_fields = {"consent": record.id, "method": record.method} if record else {}
        print_json({"name": profile.name, **consent_fields, **dataclasses.asdict(profile.quality)})
        return
    print_pairs(quality_lines(profile.quality))
    print(f'\nenrolled {profile.name}; try: voicelet say "Hello." --voice "{profile.name}"')


def check_free(args: argparse.Namespace, vault: Vault) -> None:
    """Raise ProfileError if there is a profile of that name, unless it is to be replaced."""
    if args.name in vault and not args.replace:
        raise ProfileError(
            f"there is a profile {args.name!r} already; choose another name, or add --replace"
        )


def _check_recordings(files: list[str]) -> None:
    for file in files:
        if not os.path.exists(file):
            raise AudioError(f"there is no recording {file!r}; check the path")


def quality_lines(quality: QualitySummary) -> dict[str, str]:
    """The quality report, for people."""
    q = quality
    lines = {
        "speech kept": f"{q.speech_s:.1f} s of {q.total_s:.1f} s",
        "signal to noise": f"{q.snr_db:.0f} dB",
        "clipped": f"{100 * q.clipped_fraction:.2f} %",
        "level": f"{q.level_dbfs:.0f} dBFS",
        "bandwidth": f"{q.bandwidth_hz / 1000:.1f} kHz",
        "pitch": "nothing voiced",
    }
    if q.pitch_low_hz is not None and q.pitch_high_hz is not None:
        middle = "" if q.pitch_median_hz is None else f", mostly {q.pitch_median_hz:.0f} Hz"
        lines["pitch"] = f"{q.pitch_low_hz:.0f} to {q.pitch_high_hz:.0f} Hz{middle}"
    if q.speaker_consistency is not None:
        lines["one voice"] = f"{q.speaker_consistency:.2f} between the most different parts"
    if q.phonetic_coverage is not None:
        lines["sounds covered"] = f"{100 * q.phonetic_coverage:.0f} %"
    for number, warning in enumerate(q.warnings, 1):
        lines[f"advice {number}"] = warning
    return lines
