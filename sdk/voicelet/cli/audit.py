"""`voicelet audit`: what this device did with voices, and whether the log of it is intact."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicelet.cli.table import print_json, print_table
from voicelet.errors import AuditError, ConfigError

if TYPE_CHECKING:
    from voicelet.trust.audit.log import AuditLog
    from voicelet.trust.audit.record import Head, Record

EXIT_BROKEN = AuditError.exit_code


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "audit",
        help="verify, show or export the log of what was done with voices",
        description="The log of this device: enrolments, consents, uses, exports, erasures. It "
        "holds no text and no names, only keyed hashes of them.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    verify = actions.add_parser("verify", help="look at every byte; exit 66 if one was changed")
    _add_place(verify)
    verify.add_argument("--since", metavar="FILE", help="a checkpoint that the log must still hold")
    verify.set_defaults(run=run_verify)

    show = actions.add_parser("show", help="print records")
    _add_place(show)
    show.add_argument("--last", type=int, metavar="N", help="only the newest N")
    show.add_argument("--event", metavar="EVENT", help="use, enrol, consent, export, revoke, …")
    show.add_argument("--profile", metavar="NAME", help="only those of this profile")
    show.add_argument("--said", metavar="TEXT", help="only uses that spoke exactly this text")
    show.set_defaults(run=run_show)

    export = actions.add_parser("export", help="seal the log for a recipient")
    export.add_argument("file", metavar="FILE", help="where to")
    export.add_argument(
        "--to", required=True, metavar="FILE", help="their public key (voicelet profiles key)"
    )
    export.set_defaults(run=run_export)

    opening = actions.add_parser("open", help="open a log that was sealed for you, and verify it")
    opening.add_argument("file", metavar="FILE")
    opening.add_argument(
        "--key", metavar="FILE", help="a private sealing key (default: this device's)"
    )
    opening.add_argument("-o", "--output", required=True, metavar="FOLDER", help="a new folder")
    opening.add_argument("--json", action="store_true", help="as JSON")
    opening.set_defaults(run=run_open)

    checkpoint = actions.add_parser("checkpoint", help="keep what the log comes to, for --since")
    checkpoint.add_argument("file", metavar="FILE")
    checkpoint.set_defaults(run=run_checkpoint)

    rotate = actions.add_parser("rotate", help="go on in a new file")
    rotate.add_argument(
        "--keep", type=int, metavar="N", help="delete all but the newest N files; the log says so"
    )
    rotate.set_defaults(run=run_rotate)


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", metavar="FOLDER", help="an opened log (default: this device's)")
    parser.add_argument("--public-key", metavar="HEX", help="whose log it must be, with --folder")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_verify(args: argparse.Namespace) -> int:
    """Verify the log; returns the exit code."""
    return _report(_open(args), _checkpoint(args.since), args.json)


def run_show(args: argparse.Namespace) -> int:
    """Print records; returns the exit code."""
    if args.last is not None and args.last < 1:
        raise ConfigError("--last takes a number of records, 1 or more")
    records = list(_matching(_open(args), args))
    if args.last is not None:
        records = records[-args.last :]
    if args.json:
        print_json({"records": [vars(r) for r in records]})
    elif records:
        rows = [[str(r.seq), r.time, r.event, _facts(r)] for r in records]
        print_table(["record", "time (UTC)", "event", "facts"], rows)
    else:
        print("nothing was noted yet" if not _is_filtered(args) else "no such record")
    return 0


def run_export(args: argparse.Namespace) -> int:
    """Seal the log into a file; returns the exit code."""
    from voicelet.cli.options import check_file
    from voicelet.files import atomic_file
    from voicelet.trust.audit.device_log import default_log, note
    from voicelet.trust.audit.export import export_log
    from voicelet.trust.keys.seal import public_from_text

    target = check_file(args.file)
    recipient = public_from_text(_read(args.to).decode("utf-8", "replace"))
    data = export_log(default_log(), recipient)
    with _explained(args.file), atomic_file(target, 0o600) as file:
        file.write(data)
    note("export", what="audit log", bytes=len(data))
    print(f"{args.file}: sealed; this device's public key is {default_log().public_key.hex()}")
    return 0


def run_open(args: argparse.Namespace) -> int:
    """Open a sealed log and verify it; returns the exit code."""
    from voicelet.trust.audit.export import open_export
    from voicelet.trust.keys.device_key import device_sealing_key
    from voicelet.trust.keys.seal import SealingKey

    if args.key is None:
        key = device_sealing_key()
    else:
        key = SealingKey.from_text(_read(args.key).decode("utf-8", "replace"))
    log = open_export(_read(args.file, 1 << 30), key, Path(args.output))
    if not args.json:
        print(f"of the device {log.public_key.hex()}")
    return _report(log, None, args.json)


def run_checkpoint(args: argparse.Namespace) -> int:
    """Keep the head; returns the exit code."""
    from voicelet.cli.options import check_file
    from voicelet.files import atomic_file
    from voicelet.trust.audit.device_log import default_log

    target = check_file(args.file)
    head = default_log().head()
    with _explained(args.file), atomic_file(target) as file:
        file.write(head.to_bytes())
    print(f"{args.file}: {head.count} records; keep it where whoever uses this device can't")
    return 0


def run_rotate(args: argparse.Namespace) -> int:
    """Begin a new file; returns the exit code."""
    from voicelet.trust.audit.device_log import default_log

    default_log().rotate(keep=args.keep)
    return 0


def _open(args: argparse.Namespace) -> AuditLog:
    from voicelet.trust.audit.device_log import default_log
    from voicelet.trust.audit.log import AuditLog

    if args.folder is None:
        return default_log()
    if args.public_key is None:
        raise ConfigError("--folder needs --public-key: whose log it must be")
    try:
        return AuditLog(args.folder, bytes.fromhex(args.public_key))
    except ValueError:
        raise ConfigError("--public-key takes 64 hexadecimal digits") from None


def _report(log: AuditLog, since: Head | None, as_json: bool) -> int:
    report = log.check(since)
    if as_json:
        problems = [{"kind": p.kind, "message": p.message} for p in report.problems]
        print_json({**vars(report), "problems": problems, "intact": not problems})
        return EXIT_BROKEN if problems else 0
    if report.unfinished_bytes:
        print(
            f"voicelet: the last {report.unfinished_bytes} bytes are no part of the log (the"
            " machine stopped while writing, or they were added); the next write cuts them off",
            file=sys.stderr,
        )
    for problem in report.problems:
        print(f"voicelet: {problem}", file=sys.stderr)
    spread = f"{report.records} records in {report.files} file" + "s" * (report.files != 1)
    span = f", {report.first} to {report.last}" if report.records else ""
    pruned = f"; {report.pruned} older ones were deleted openly" if report.pruned else ""
    state = "not intact" if report.problems else "intact"
    print(f"{state}: {spread}{span}{pruned}")
    return EXIT_BROKEN if report.problems else 0


def _matching(log: AuditLog, args: argparse.Namespace) -> Iterator[Record]:
    from voicelet.trust.audit.device_log import pseudonym

    fields = {}
    if args.folder is None:
        texts = {"profile": args.profile, "text": args.said}
        fields = {k: pseudonym(v) for k, v in texts.items() if v is not None}
    elif args.profile is not None or args.said is not None:
        raise ConfigError("only the device itself can look for a name or a text; leave them out")
    for record in log.records():
        if args.event in (None, record.event) and fields.items() <= record.fields.items():
            yield record


def _is_filtered(args: argparse.Namespace) -> bool:
    return any(v is not None for v in (args.event, args.profile, args.said))


def _facts(record: Record) -> str:
    return "  ".join(f"{k}={v}" for k, v in record.fields.items())


def _checkpoint(path: str | None) -> Head | None:
    from voicelet.trust.audit.record import Head

    return None if path is None else Head.parse(_read(path))


def _read(path: str, limit: int = 1 << 16) -> bytes:
    with _explained(path), open(path, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ConfigError(f"{path!r} is far too large")
    return data


@contextlib.contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path!r}: {reason}") from None
