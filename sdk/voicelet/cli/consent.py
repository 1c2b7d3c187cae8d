"""`voicelet consent`: who agreed to what with which voice; agree, renew, withdraw, verify.

Whose signatures count is in `cli/signers.py`.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from voicelet.cli import challenge
from voicelet.cli.consent_options import add_consent_options, gather_consent, print_sentence
from voicelet.cli.options import add_bundle_option, opened_bundle
from voicelet.cli.signers import add_actions, read_record_file, write_record_file
from voicelet.cli.table import print_json, print_pairs, print_table
from voicelet.cli.unlock import add_option
from voicelet.errors import ConsentError, ProfileError, VoiceletError

if TYPE_CHECKING:
    from voicelet.profiles.profile import Profile

WARN_DAYS = 30.0


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "consent",
        help="show, give, renew, withdraw or verify the consent to a voice",
        description="Every profile holds a signed record of its owner's consent.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="who agreed to what, until when")
    show.add_argument("name", nargs="?", metavar="NAME", help="a profile (default: all)")
    show.add_argument("--json", action="store_true", help="as JSON")
    show.add_argument("--record", metavar="FILE", help="write the signed record to a file, too")
    show.set_defaults(run=run_show)
    for action, text in (
        ("add", "give consent to a profile that has none, or no longer"),
        ("renew", "a new record in place of the old one, whose values it takes"),
    ):
        giving = actions.add_parser(action, help=text, description=text.capitalize() + ".")
        giving.add_argument("name", metavar="NAME", help="a profile")
        add_consent_options(giving)
        add_bundle_option(giving)
        giving.set_defaults(run=run_give)
    revoking = actions.add_parser(
        "revoke", help="withdraw a consent: the voice stops speaking on this device"
    )
    revoking.add_argument("name", nargs="?", metavar="NAME", help="a profile")
    revoking.add_argument("--id", metavar="ID", help="of a record whose profile isn't here")
    revoking.add_argument("--reason", default="", metavar="TEXT", help="it is kept, signed")
    revoking.set_defaults(run=run_revoke)
    repairing = actions.add_parser(
        "repair",
        help="put a damaged or lost list of withdrawn consents together again",
        description="Put the list of withdrawn consents together again: from its copy, the audit "
        "log and the profiles. What is found stays withdrawn. Until then no enrolled voice speaks.",
    )
    repairing.add_argument(
        "--accept-loss",
        action="store_true",
        help="even if some of them can't be found again: those voices may then speak",
    )
    add_option(repairing, nested=True)
    repairing.set_defaults(run=run_repair)
    verifying = actions.add_parser("verify", help="check signatures, voices, dates, withdrawals")
    verifying.add_argument("names", nargs="*", metavar="NAME", help="profiles (default: all)")
    verifying.add_argument("--record", metavar="FILE", help="check a record in a file instead")
    verifying.set_defaults(run=run_verify)
    add_actions(actions)


def run_show(args: argparse.Namespace) -> int:
    """Show one consent or all; returns the exit code."""
    from voicelet.profiles.vault.vault import Vault

    if args.name is None:
        if args.record is not None:
            raise ConsentError("name the profile whose record is to be written")
        return _show_all(list(Vault().list()), args.json)
    profile = Vault().load(args.name)
    record = profile.consent
    if args.record is not None:
        if record is None:
            raise ConsentError(f"the profile {profile.name!r} has no consent record")
        write_record_file(record, args.record)
    if args.json:
        fields = record.to_dict() if record else None
        print_json({"profile": profile.name, "status": status(profile), "record": fields})
        return 0
    if record is None:
        print(f"{profile.name}: {status(profile)}")
        return 0
    method = "the speaker read a sentence" if record.method == "spoken" else "scripted"
    lines = {
        "voice of": record.speaker,
        "given by": record.given_by,
        "for": ", ".join(record.purposes),
        "scope": record.scope or "no further limits",
        "how": method,
        "why scripted": record.reason,
        "sentence": record.sentence,
        "given on": record.created,
        "ends": record.expires or "never, unless revoked",
        "status": status(profile),
        "record": record.id,
        "device": record.device,
        "signed before by": ", ".join(record.earlier_signers),
        "countersigned by": record.countersigner,
    }
    print_pairs({name: value for name, value in lines.items() if value})
    return 0


def run_give(args: argparse.Namespace) -> int:
    """Give or renew consent; returns the exit code."""
    from voicelet.enrolment.consent import give_consent
    from voicelet.profiles.vault.vault import Vault

    vault = Vault()
    profile = vault.load(args.name)
    if args.sentence:
        print_sentence(args.name)
        return 0
    if args.action == "add" and has_valid_consent(profile):
        raise ConsentError(
            f"there is a consent for {args.name!r} already; renew it, or revoke it first"
        )
    if args.action == "renew" and profile.consent is None:
        raise ConsentError(f"there is no consent for {args.name!r} to renew; add one")
    previous = profile.consent if args.action == "renew" else None
    consent = gather_consent(args, args.name, previous)
    if profile.adaptation is None:
        renewed = give_consent(profile, consent, bundle=opened_bundle(args))
    else:
        from voicelet.synth import Voice

        voice = Voice.load(
            args.bundle, trust_bundle=args.trust_bundle
        )  # an adapted profile has to be heard
        renewed = give_consent(profile, consent, voice=voice, others=vault.list())
    vault.save(renewed)
    challenge.forget_sentence(args.name)
    assert renewed.consent is not None
    until = renewed.consent.expires or "it is revoked"
    print(
        f"{renewed.consent.given_by} agreed to {', '.join(renewed.consent.purposes)} until {until}"
    )
    before = previous.purposes if previous is not None else ()
    if previous is not None and before != renewed.consent.purposes:
        print(
            f"voicelet: purposes: {', '.join(before)} -> {', '.join(renewed.consent.purposes)}",
            file=sys.stderr,
        )
    dropped = [purpose for purpose in before if purpose not in renewed.consent.purposes]
    if dropped:
        print(
            f"voicelet: no longer to {', '.join(dropped)}: --purpose names all that shall count",
            file=sys.stderr,
        )
    return 0


def run_revoke(args: argparse.Namespace) -> int:
    """Withdraw a consent; returns the exit code."""
    from voicelet.enrolment.consent import revoke_consent
    from voicelet.profiles.vault.vault import Vault
    from voicelet.trust.audit.device_log import note
    from voicelet.trust.consent.linked import replaced_by
    from voicelet.trust.consent.revocations import device_revocations

    if (args.name is None) == (args.id is None):
        raise ConsentError("name the profile whose consent is withdrawn, or give --id")
    if args.id is not None:
        earlier = replaced_by(args.id)
        device_revocations().add(args.id, args.reason)
        for record_id in earlier:
            device_revocations().add(record_id, args.reason)
        note("revoke", consent=args.id)
        _tell_vault()
        print(f"withdrawn: {args.id}; no profile with that record speaks on this device")
        return 0
    vault = Vault()
    revoke_consent(vault.load(args.name), args.reason)
    vault.load(args.name)  # the vault learns of it now, not at the next use
    print(
        f"withdrawn; {args.name} no longer speaks on this device, nor do earlier records of this"
        " consent, in backups for one. Its profile is still here: voicelet erase removes it,"
        " voicelet consent add lets it speak again"
    )
    return 0


def _tell_vault() -> None:
    """Have the vault, and the profile if it is here, know of what was just withdrawn."""
    from voicelet.profiles.vault.vault import Vault

    try:
        Vault().list()
    except ProfileError as error:  # a locked one learns of it when it is next opened
        print(f"voicelet: the profiles don't know it yet: {error}", file=sys.stderr)


def run_repair(args: argparse.Namespace) -> int:
    """Repair the list of withdrawn consents; returns the exit code."""
    from voicelet.profiles.vault.vault import Vault
    from voicelet.trust.consent.revocations import device_revocations

    try:
        Vault().list()  # what the vault knows of withdrawals counts, too
    except ProfileError as error:
        print(f"voicelet: what the profiles know isn't counted: {error}", file=sys.stderr)
    repair = device_revocations().repair(accept_loss=args.accept_loss)
    lost = f"; {repair.lost} can't be found again" if repair.lost else ""
    print(f"{repair.kept} withdrawn consents kept, {len(repair.added)} found again{lost}")
    return 0


def run_verify(args: argparse.Namespace) -> int:
    """Verify consents; returns the exit code, or raises the first thing that is wrong."""
    from voicelet.profiles.vault.vault import Vault
    from voicelet.trust.consent.revocations import device_revocations

    if args.record is not None:
        return _verify_record(args.record)
    device_revocations().entries()
    vault = Vault()
    profiles = [vault.load(n) for n in args.names] if args.names else list(vault.list())
    wrong: VoiceletError | None = None
    rows = []
    for profile in profiles:
        try:
            profile.allowed_purposes()
        except (ConsentError, ProfileError) as error:
            wrong = wrong or error
        rows.append([profile.name, status(profile)])
    print_table(["profile", "consent"], rows)
    if not args.names:
        wrong = wrong or next(iter(vault.damaged().values()), None)
    if wrong is not None:
        raise wrong
    return 0


def has_valid_consent(profile: Profile) -> bool:
    """Whether a profile has a consent that is valid now, for some purpose it names."""
    try:
        profile.allowed_purposes()
    except (ConsentError, ProfileError):
        return False
    return True


def status(profile: Profile) -> str:
    """The state of a profile's consent, in a few words."""
    from voicelet.trust.consent.revocations import device_revocations

    record = profile.consent
    if record is None:
        return "none: it can't speak; voicelet consent add"
    try:
        profile.check_record()
    except ConsentError:
        return "NOT GENUINE: the record was changed"
    try:
        if record.id in device_revocations():
            return "revoked"
    except ConsentError:
        return "unknown: the list of withdrawals isn't what it was; voicelet consent repair"
    days_left = record.days_left()
    if days_left is not None and days_left <= 0.0:
        return f"expired on {str(record.expires)[:10]}; voicelet consent renew"
    try:
        allowed = profile.allowed_purposes()
    except (ConsentError, ProfileError) as error:
        return f"doesn't count here: {error}"
    stands = "stands"
    if allowed != record.purposes:
        stands = f"stands here for {', '.join(allowed)}"
    if days_left is None:
        return stands
    remaining = f"ends in {days_left:.0f} days"
    if days_left < WARN_DAYS:
        return f"{remaining}; voicelet consent renew"
    return f"{stands}, {remaining}"


def _show_all(profiles: list[Profile], as_json: bool) -> int:
    rows: list[dict[str, Any]] = []
    for profile in profiles:
        record = profile.consent
        rows.append(
            {
                "profile": profile.name,
                "given_by": record.given_by if record else None,
                "purposes": list(record.purposes) if record else [],
                "method": record.method if record else None,
                "expires": record.expires if record else None,
                "status": status(profile),
            }
        )
    if as_json:
        print_json({"consents": rows})
    elif rows:
        table = [
            [r["profile"], r["given_by"] or "", ", ".join(r["purposes"]), r["method"] or "",
             r["status"]]
            for r in rows
        ]  # fmt: skip
        print_table(["profile", "given by", "for", "how", "status"], table)
    else:
        print("no profiles yet; enrol one: voicelet enrol NAME FILE…")
    return 0


def _verify_record(path: str) -> int:
    from voicelet.trust.consent.revocations import device_revocations
    from voicelet.trust.consent.signers import check_authority, signers_of

    record = read_record_file(path)
    record.verify()
    device_revocations().check(record)
    refusals: list[ConsentError] = []
    for purpose in record.purposes:
        try:
            record.check(purpose)
            check_authority(record, purpose)
        except ConsentError as error:
            refusals.append(error)
    if len(refusals) == len(record.purposes):
        raise refusals[0]
    print(f"genuine: {record.given_by} agreed to {', '.join(record.purposes)} on {record.created}")
    whose = ", ".join(signers_of(record))
    whose = f"a device that is trusted here ({whose})" if whose else "this device"
    print(f"signed by {whose}", file=sys.stderr)
    for refusal in refusals:
        print(f"not here: {refusal}", file=sys.stderr)
    return 0
