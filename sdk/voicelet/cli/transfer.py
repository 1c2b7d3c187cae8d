"""`voicelet profiles key`, `export`, `backup` and `import`: a profile leaves, or arrives."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicelet.cli import challenge
from voicelet.cli.consent_options import add_consent_options, gather_consent, print_sentence
from voicelet.cli.options import add_bundle_option, check_file
from voicelet.cli.signers import is_agreed, show_record
from voicelet.cli.unlock import add_option, ask, ask_new, read_passphrase
from voicelet.errors import ConfigError, OutputError, ProfileError

if TYPE_CHECKING:
    from voicelet.profiles.profile import Profile


def add_parsers(actions: Any) -> None:
    """Add the actions to `voicelet profiles`."""
    key = actions.add_parser(
        "key",
        help="this device's public key, for others to export profiles to",
        description="Print the public key that profiles for this device are sealed to. It is no "
        "secret; the private half stays in the device's keystore.",
    )
    key.add_argument("-o", "--output", metavar="FILE", help="write it to a file")
    key.set_defaults(run=run_key)
    export = actions.add_parser(
        "export",
        help="seal a profile for another device",
        description="Seal a profile, with its consent record, so that only one device can open it.",
    )
    export.add_argument("name", metavar="NAME")
    export.add_argument(
        "--to", required=True, metavar="KEY", help="file with the other device's public key"
    )
    export.add_argument("-o", "--output", required=True, metavar="FILE")
    add_option(export, nested=True)
    export.set_defaults(run=run_export)
    backup = actions.add_parser(
        "backup",
        help="a profile in a file, under a passphrase, that opens on any device of yours",
        description="Write a profile, with its consent record, to a file that a passphrase opens "
        "on any device: voicelet profiles import FILE. Whoever has both has the voice.",
    )
    backup.add_argument("name", metavar="NAME")
    backup.add_argument("-o", "--output", required=True, metavar="FILE")
    backup.add_argument("--force", action="store_true", help="replace a file that is there already")
    _add_backup_passphrase(backup)
    add_option(backup, nested=True)
    backup.set_defaults(run=run_backup)
    importing = actions.add_parser(
        "import", help="open a profile that was sealed for this device, a backup, or a plain file"
    )
    importing.add_argument("file", metavar="FILE")
    _add_backup_passphrase(importing)
    importing.add_argument(
        "--accept-erased",
        action="store_true",
        help="bring it back although the profile was erased here since",
    )
    importing.add_argument("--name", metavar="NAME", help="what to call it here")
    importing.add_argument("--replace", action="store_true", help="replace one of that name")
    importing.add_argument(
        "--key", metavar="FILE", help="a private sealing key (default: this device's)"
    )
    importing.add_argument(
        "--trust-signer",
        action="append",
        default=[],
        metavar="KEY",
        help="key of the device that signed the profile's consent, in place of being asked",
    )
    add_consent_options(importing)
    add_bundle_option(importing)
    add_option(importing, nested=True)
    importing.set_defaults(run=run_import)


def run_key(args: argparse.Namespace) -> int:
    """Show this device's public sealing key; returns the exit code."""
    from voicelet.trust.keys.device_key import device_sealing_public_key
    from voicelet.trust.keys.seal import public_to_text

    text = public_to_text(device_sealing_public_key())
    if args.output is None:
        print(text, end="")
    else:
        _write(args.output, text.encode())
        print(f"{args.output}: give it to whoever exports a profile for this device")
    return 0


def run_export(args: argparse.Namespace) -> int:
    """Export a profile; returns the exit code."""
    from voicelet.profiles.transfer import export_profile
    from voicelet.profiles.vault.vault import Vault
    from voicelet.trust.keys.seal import public_from_text

    recipient = public_from_text(_read(args.to, 1 << 14).decode("utf-8", "replace"))
    check_file(args.output)
    _write(args.output, export_profile(Vault(), args.name, recipient))
    print(f"{args.output}: {args.name}, sealed; only the owner of that key can import it")
    return 0


def run_backup(args: argparse.Namespace) -> int:
    """Back a profile up; returns the exit code."""
    from voicelet.profiles.backup import backup_profile
    from voicelet.profiles.vault.vault import Vault

    vault = Vault()
    check_file(args.output)
    if args.name not in vault:
        vault.load(args.name)  # says so before a passphrase is asked for
    if args.backup_passphrase_file is not None:
        passphrase = read_passphrase(args.backup_passphrase_file)
    else:
        passphrase = ask_new(
            "A passphrase for the backup (four or five words): ", "--backup-passphrase-file"
        )
    path = backup_profile(vault, args.name, args.output, passphrase, replace=args.force)
    print(f"{path}: {args.name}, under that passphrase; nothing else opens it, so keep both")
    print(f"on any device: voicelet profiles import {path.name}")
    return 0


def run_import(args: argparse.Namespace) -> int:
    """Import a profile; returns the exit code."""
    from voicelet.enrolment.consent import give_consent
    from voicelet.profiles.backup import MAX_BYTES, is_backup, open_backup
    from voicelet.profiles.transfer import import_profile, read_name, read_record
    from voicelet.profiles.vault.vault import Vault
    from voicelet.synth import Voice
    from voicelet.trust.consent.record import VOICEPRINT_ONLY
    from voicelet.trust.consent.signers import check_key, device_signers, signers_of
    from voicelet.trust.keys.device_key import device_sealing_key
    from voicelet.trust.keys.seal import SealingKey

    data = file_data = _read(args.file, MAX_BYTES)
    if is_backup(data):
        passphrase = _backup_passphrase(args.backup_passphrase_file)
        data, key = open_backup(data, passphrase, accept_erased=args.accept_erased)
    elif args.key is None:
        key = device_sealing_key()
    else:
        key = SealingKey.from_text(_read(args.key, 1 << 14).decode("utf-8", "replace"))
    record, trusted = read_record(data, key), {check_key(k) for k in args.trust_signer}
    label = args.name or read_name(data, key)
    vault = Vault()
    if label in vault and not args.replace:
        raise ProfileError(
            f"there is a profile {label!r} already; give it another name (--name NAME), or replace"
            " it (--replace)"
        )
    if args.sentence:
        print_sentence(label)
        return 0
    anew = args.spoken_consent is not None or args.scripted_consent is not None
    known = {s.key for s in device_signers().entries()} | trusted
    unknown = [] if anew else [key for key in signers_of(record) if key not in known]
    if unknown:
        show_record(record)
        remedy = " ".join(f"--trust-signer {key}" for key in unknown)
        if not is_agreed("Does this person agree, and do you know the device that signed?", remedy):
            print("nothing was imported")
            return 0
        trusted.update(unknown)
    voice = None
    if anew or record.version != VOICEPRINT_ONLY:
        voice = Voice.load(args.bundle, trust_bundle=args.trust_bundle)
    agree_anew = None
    if anew:
        consent = gather_consent(args, label, record)

        def agree_anew(profile: Profile) -> Profile:
            return give_consent(profile, consent, voice=voice, others=vault.list())

    profile = import_profile(
        vault,
        data,
        key,
        name=args.name,
        replace=args.replace,
        trusted_signers=trusted,
        voice=voice,
        agree_anew=agree_anew,
        accept_erased=args.accept_erased or is_backup(file_data),  # asked when it was opened
    )
    challenge.forget_sentence(label)
    print(f'imported {profile.name}; try: voicelet say "Hello." --voice "{profile.name}"')
    return 0


def _add_backup_passphrase(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--backup-passphrase-file",
        metavar="FILE",
        help="the passphrase of the backup is the first line of FILE (default: it is asked for)",
    )


def _backup_passphrase(path: str | None) -> str:
    passphrase = read_passphrase(path) if path is not None else ask("Passphrase of the backup: ")
    if not passphrase:
        raise ConfigError("a backup needs its passphrase; give --backup-passphrase-file FILE")
    return passphrase


def _read(path: str, limit: int) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > limit:
        raise ConfigError(f"{path}: far too large; is it the right file?")
    return data


def _write(path: str, data: bytes) -> None:
    from voicelet.files import atomic_file

    try:
        with atomic_file(path, 0o600) as file:
            file.write(data)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from None
