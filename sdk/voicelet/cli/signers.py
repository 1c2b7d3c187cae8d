"""`voicelet consent trust`, `untrust`, `signers`, `countersign`, `attach`: who signs for whom."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicelet.cli.table import print_json, print_pairs, print_table
from voicelet.errors import ConfigError, ConsentError, OutputError

if TYPE_CHECKING:
    from voicelet.trust.consent.record import ConsentRecord


def add_actions(actions: Any) -> None:
    """Add the actions to `voicelet consent`."""
    trust = actions.add_parser(
        "trust",
        help="let what another device signed count here",
        description="Trust the device that signed a consent: its records count here from now on, "
        "for the speaker's own use, and for what --purpose names.",
    )
    trust.add_argument(
        "who", metavar="WHO", help="a signer's key, or a profile whose record they signed"
    )
    trust.add_argument("--name", default="", metavar="TEXT", help="what to call the signer")
    trust.add_argument(
        "--purpose",
        action="append",
        default=[],
        metavar="PURPOSE",
        help="more that its records may allow, and that it may countersign: publishing, research, "
        "federation; may be repeated",
    )
    trust.add_argument("--yes", action="store_true", help="don't ask; needed without a terminal")
    trust.set_defaults(run=run_trust)
    untrust = actions.add_parser("untrust", help="what a device signed no longer counts here")
    untrust.add_argument("key", metavar="KEY", help="the signer's key")
    untrust.set_defaults(run=run_untrust)
    signers = actions.add_parser("signers", help="whom this device trusts, and its own key")
    signers.add_argument("--json", action="store_true", help="as JSON")
    signers.set_defaults(run=run_signers)
    countersign = actions.add_parser(
        "countersign",
        help="vouch for a record of another device",
        description="Sign a consent record a second time, with this device's key: by that a "
        "consent that was only written down may serve for more than the speaker's own use, on "
        "devices that trust this one with it.",
    )
    countersign.add_argument(
        "record", metavar="FILE", help="of `voicelet consent show NAME --record FILE`"
    )
    countersign.add_argument("-o", "--output", required=True, metavar="FILE")
    countersign.add_argument("--yes", action="store_true", help="don't ask")
    countersign.set_defaults(run=run_countersign)
    attach = actions.add_parser("attach", help="take a countersigned record into its profile")
    attach.add_argument("name", metavar="NAME", help="a profile")
    attach.add_argument("record", metavar="FILE", help="of `voicelet consent countersign`")
    attach.set_defaults(run=run_attach)


def run_trust(args: argparse.Namespace) -> int:
    """Trust a signer; returns the exit code."""
    from voicelet.profiles.vault.vault import Vault
    from voicelet.trust.audit.device_log import note
    from voicelet.trust.consent.record import BY_STATEMENT, check_purpose
    from voicelet.trust.consent.signers import check_key, device_signers, signers_of

    purposes = (*BY_STATEMENT, *map(check_purpose, args.purpose))
    name = args.name
    if re.fullmatch(r"[0-9A-Fa-f:\s-]{64,}", args.who):
        keys = [check_key(args.who)]
    else:
        record = Vault().load(args.who).check_record()
        keys = list(signers_of(record))
        if not keys:
            print(f"the record of {args.who} was signed by this device; nothing to trust")
            return 0
        show_record(record)
        remedy = "; ".join(f"voicelet consent trust {key}" for key in keys)
        if not args.yes and not is_agreed("Trust the device that signed this?", remedy):
            print("nothing was trusted")
            return 0
        name = name or record.given_by
    for key in keys:
        signer = device_signers().trust(key, name, purposes)
        note("trust", signer=key, purposes=",".join(signer.purposes))
        print(f"trusted with {', '.join(signer.purposes)}: {key}")
    return 0


def run_untrust(args: argparse.Namespace) -> int:
    """Trust a signer no longer; returns the exit code."""
    from voicelet.trust.audit.device_log import note
    from voicelet.trust.consent.signers import device_signers

    signer = device_signers().untrust(args.key)
    note("untrust", signer=signer.key)
    print(f"no longer trusted: {signer.key}; voices whose consent it signed don't speak here")
    return 0


def run_signers(args: argparse.Namespace) -> int:
    """Show the list; returns the exit code."""
    from voicelet.trust.consent.signers import device_signers
    from voicelet.trust.keys.device_key import device_public_key

    entries, own = device_signers().entries(), device_public_key().hex()
    if args.json:
        print_json({"device": own, "signers": [entry.to_dict() for entry in entries]})
        return 0
    print(f"this device: {own}")
    if entries:
        rows = [[e.name, ", ".join(e.purposes), e.added[:10], e.key] for e in entries]
        print_table(["trusted", "with", "since", "key"], rows)
    return 0


def run_countersign(args: argparse.Namespace) -> int:
    """Countersign a record; returns the exit code."""
    from voicelet.trust.audit.device_log import note
    from voicelet.trust.keys.device_key import device_key

    record = read_record_file(args.record)
    record.verify()
    show_record(record)
    if not args.yes and not is_agreed("Do you vouch for this?", "--yes"):
        print("nothing was signed")
        return 0
    signed = record.countersigned_by(device_key())
    write_record_file(signed, args.output)
    note("countersign", consent=record.id, given_by=record.given_by)
    print(f"{args.output}: signed by {signed.countersigner}; voicelet consent attach NAME FILE")
    return 0


def run_attach(args: argparse.Namespace) -> int:
    """Take a countersigned record into its profile; returns the exit code."""
    import dataclasses

    from voicelet.profiles.vault.vault import Vault
    from voicelet.trust.audit.device_log import note

    vault = Vault()
    profile, record = vault.load(args.name), read_record_file(args.record)
    bare = dataclasses.replace(record, countersigner="", countersignature="")
    own = profile.check_record()
    if bare != dataclasses.replace(own, countersigner="", countersignature=""):
        raise ConsentError(
            f"{args.record} isn't the record of {args.name!r} as it is now; write it anew, and have"
            f" that countersigned: voicelet consent show {args.name} --record FILE"
        )
    if not record.countersigner:
        raise ConsentError(f"nobody has countersigned {args.record}; voicelet consent countersign")
    record.verify()
    vault.save(dataclasses.replace(profile, consent=record))
    note("countersign", consent=record.id, by=record.countersigner)
    print(f"{args.name}: countersigned by {record.countersigner}")
    return 0


def show_record(record: ConsentRecord) -> None:
    """What somebody has to see before they say yes."""
    how = "read aloud" if record.method == "spoken" else f"in writing: {record.reason}"
    rows = {
        "voice of": record.speaker,
        "given by": record.given_by,
        "for": ", ".join(record.purposes),
        "scope": record.scope,
        "how": how,
        "given on": record.created,
        "ends": record.expires or "never, unless revoked",
        "signed by": record.device,
        "and before by": ", ".join(record.earlier_signers),
    }
    print_pairs({name: value for name, value in rows.items() if value})


def is_agreed(question: str, remedy: str) -> bool:
    """Ask on the terminal.

    Raises:
        ConfigError: there is none to ask on; `remedy` is what to give instead.
    """
    if not sys.stdin.isatty():
        raise ConfigError(f"nobody can be asked without a terminal; if it is right: {remedy}")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def read_record_file(path: str) -> ConsentRecord:
    """A record in a file; its signatures aren't checked.

    Raises:
        ConsentError: it can't be read, or is none.
    """
    from voicelet.trust.consent.record import MAX_BYTES, ConsentRecord

    try:
        with Path(path).open("rb") as file:
            return ConsentRecord.from_bytes(file.read(MAX_BYTES + 1))
    except (OSError, ValueError) as error:
        raise ConsentError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def write_record_file(record: ConsentRecord, path: str) -> None:
    """Write a record to a file of mode 0600.

    Raises:
        OutputError: it can't be written.
    """
    from voicelet.files import atomic_file

    try:
        with atomic_file(path, 0o600) as file:
            file.write(record.to_bytes())
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from None
