"""`voicelet protected`: lists of voices that may not be enrolled on this device."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from voicelet.cli.table import print_json, print_table


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "protected",
        help="lists of voices that may not be enrolled",
        description="Make, load, show and remove lists of protected voices. A list holds salted, "
        "noised templates, no voiceprints; enrolment refuses whoever matches one.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    making = actions.add_parser("make", help="make a list of recordings, signed by this device")
    making.add_argument("name", metavar="NAME", help="of the list")
    making.add_argument(
        "recordings", nargs="+", metavar="FILE", help="one recording of each voice, 20 s or more"
    )
    making.add_argument("-o", "--output", required=True, metavar="FILE", help="where it goes")
    making.set_defaults(run=run_make)
    loading = actions.add_parser("load", help="heed a list on this device")
    loading.add_argument("file", metavar="FILE")
    loading.set_defaults(run=run_load)
    listing = actions.add_parser("list", help="show the lists of this device")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(run=run_list)
    removing = actions.add_parser("remove", help="heed a list no longer")
    removing.add_argument("name", metavar="NAME")
    removing.set_defaults(run=run_remove)


def run_make(args: argparse.Namespace) -> int:
    """Make a list; returns the exit code."""
    from voicelet.bundle import open_bundle
    from voicelet.cli.options import check_file
    from voicelet.enrolment.enrolment import GE2E_ENCODER_ID, assess
    from voicelet.enrolment.gate import require_accepted
    from voicelet.errors import ConfigError, OutputError, RecordingRejectedError
    from voicelet.files import atomic_file
    from voicelet.profiles.names import check_name
    from voicelet.profiles.protected import encode_list, protect
    from voicelet.speaker.encoder import mean_d_vector, open_encoder
    from voicelet.trust.keys.device_key import device_key

    target = check_file(args.output)
    encoder = open_encoder(open_bundle(None))
    voices = {}
    for file in args.recordings:
        label = Path(file).stem
        if label in voices:
            raise ConfigError(f"two recordings are called {label!r}; name each after its voice")
        gated = assess([file], encoder)
        try:
            require_accepted(gated.report)
        except RecordingRejectedError as refusal:
            raise RecordingRejectedError([f"{file}: {r}" for r in refusal.reasons]) from None
        voices[label] = mean_d_vector(gated.windows if gated.windows is not None else [])
    data = encode_list(protect(check_name(args.name), voices, GE2E_ENCODER_ID), device_key())
    try:
        with atomic_file(target) as out:
            out.write(data)
    except OSError as error:
        raise OutputError(f"{args.output!r}: {error.strerror or error}") from error
    print(f"{args.output}: {len(voices)} protected voices; load it: voicelet protected load FILE")
    return 0


def run_load(args: argparse.Namespace) -> int:
    """Load a list; returns the exit code."""
    from voicelet.profiles.protected import load_list

    voices = load_list(Path(args.file))
    print(f"{voices.name}: {len(voices.labels)} voices can't be enrolled on this device any more")
    return 0


def run_list(args: argparse.Namespace) -> int:
    """Show the lists; returns the exit code."""
    from voicelet.profiles.protected import device_lists

    lists = device_lists()
    if args.json:
        rows = [
            {"name": v.name, "voices": len(v.labels), "keeper": v.public_key.hex()} for v in lists
        ]
        print_json({"lists": rows})
    elif lists:
        table = [[v.name, str(len(v.labels)), v.public_key.hex()[:16]] for v in lists]
        print_table(["list", "voices", "signed by"], table)
    else:
        print("no lists of protected voices; load one: voicelet protected load FILE")
    return 0


def run_remove(args: argparse.Namespace) -> int:
    """Remove a list; returns the exit code."""
    from voicelet.profiles.protected import remove_list

    remove_list(args.name)
    print(f"removed {args.name}")
    return 0
