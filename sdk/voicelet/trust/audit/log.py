"""An append-only log whose every record holds the hash of the one before, signed by the device.

The chain is that of Schneier and Kelsey ("Secure Audit Logs to Support Computer Forensics", 1999),
with public signatures in place of evolving keys: an edit, a deletion, a swap or a cut is found by
whoever has the device's public key.  What can't be found on this machine alone is that *all* of it,
the head too, was put back to an older state: keep a checkpoint elsewhere (:meth:`AuditLog.head`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from voicelet.errors import AuditError, ConfigError
from voicelet.files import file_lock, make_private
from voicelet.trust.audit.check import AuditReport, check_log
from voicelet.trust.audit.record import (
    GENESIS,
    Field,
    Head,
    Record,
    append,
    check_event,
    cut,
    last_record,
    lines,
    log_file,
    numbers,
    read_head,
    size_of,
    write_head,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROTATE_BYTES = 4 << 20
"""A file that has grown past this is followed by a new one; some 15,000 records."""


@dataclass(frozen=True)
class Event:
    """What is to be noted: its name, its facts, and when it happened (`timestamp()`)."""

    name: str
    fields: Mapping[str, Field]
    time: str


def timestamp() -> str:
    """Now, UTC, to the millisecond: `2026-11-23T09:30:00.000Z`."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class AuditLog:
    """A log in a folder.  Processes and threads may share it.

    Args:
        path: the folder; made when first written to.
        key: the device's Ed25519 key; its public half (32 bytes) is enough to read and verify.
        head_path: where the head is kept; beside the files by default.  In another folder it tells
            of the removal of the whole log, too.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        key: Ed25519PrivateKey | bytes,
        *,
        head_path: str | os.PathLike[str] | None = None,
    ) -> None:
        self.path = Path(path)
        self._key: Ed25519PrivateKey | None = None if isinstance(key, bytes) else key
        self.public_key = key if isinstance(key, bytes) else key.public_key().public_bytes_raw()
        if len(self.public_key) != 32:
            raise ConfigError(f"a public key has 32 bytes, not {len(self.public_key)}")
        self.head_path = Path(head_path) if head_path is not None else self.path / "head.json"

    @property
    def private_key(self) -> Ed25519PrivateKey:
        """The key that it is written with.

        Raises:
            AuditError: it was opened with a public one.
        """
        if self._key is None:
            raise AuditError("this log was opened with a public key; it can be read only")
        return self._key

    def append(self, event: str, fields: Mapping[str, Field] | None = None) -> None:
        """Note one event; it is on the disk when this returns.

        Raises:
            ConfigError: the event or a field can't be noted.
            AuditError: it can't be written; the log is as it was.
        """
        self.extend([Event(event, fields or {}, timestamp())])

    def extend(self, events: Sequence[Event]) -> None:
        """Note events, all or none; errors as of :meth:`append`."""
        for event in events:
            check_event(event.name, event.fields)
        if events:
            with self._writing() as key:
                self._write(events, key)

    def rotate(self, *, keep: int | None = None) -> None:
        """Continue in a new file.

        Args:
            keep: how many of the newest files to keep, the new one among them; older ones are
                deleted, and the log says so.  None keeps all.

        Raises:
            AuditError: it can't be written.
        """
        if keep is not None and keep < 1:
            raise ConfigError(f"a log keeps at least one file, not {keep}")
        with self._writing() as key:
            head, events = self._resume()
            if events:
                head = self._append_batch(head, events, key)
            if head.size:
                head = self._signed_head(head.count, head.hash, head.file + 1, 0, key)
                write_head(self.head_path, head)
            if keep is not None:
                self._prune(head, keep, key)

    def head(self) -> Head:
        """The current head of the log: keep it elsewhere and give it to :meth:`verify`.

        Raises:
            AuditError: there is none, or it is damaged.
        """
        with self._explained("read"):
            head = read_head(self.head_path)
        if head is None:
            raise AuditError(f"{self.head_path}: there is no log yet, or its head was removed")
        return head

    def records(self) -> Iterator[Record]:
        """All records that can be read, the oldest first; without checking that they are genuine.

        Raises:
            AuditError: a file can't be read.
        """
        with self._explained("read"):
            for number in numbers(self.path):
                for line, _ in lines(log_file(self.path, number)):
                    with contextlib.suppress(AuditError):
                        yield Record.parse(line)

    def check(self, since: Head | None = None) -> AuditReport:
        """Look at every byte.

        Args:
            since: an earlier head, kept elsewhere; the log must still hold all it held then.

        Returns:
            What was found; `problems` is empty where nothing is wrong.

        Raises:
            AuditError: a file can't be read.
        """
        with self._explained("read"), self._locked_if_possible():
            return check_log(self.path, self.head_path, self.public_key, since)

    def verify(self, since: Head | None = None) -> AuditReport:
        """As :meth:`check`.

        Raises:
            AuditError: the log was edited, cut, reordered or isn't this device's; with the first
                problem, and how many there are.
        """
        report = self.check(since)
        if report.problems:
            more = len(report.problems) - 1
            others = f" (and {more} more; voicelet audit verify lists them)" if more else ""
            raise AuditError(f"the audit log isn't intact: {report.problems[0]}{others}")
        return report

    def _write(self, events: Sequence[Event], key: Ed25519PrivateKey) -> None:
        head, repairs = self._resume()
        if head.size >= ROTATE_BYTES:
            head = self._signed_head(head.count, head.hash, head.file + 1, 0, key)
        self._append_batch(head, [*repairs, *events], key)

    def _append_batch(self, head: Head, events: Sequence[Event], key: Ed25519PrivateKey) -> Head:
        """Append a batch, its last line signed, and then the head."""
        batch, seq, prev = bytearray(), head.count, head.hash
        for i, event in enumerate(events):
            seq += 1
            record = Record(seq, event.time, event.name, dict(event.fields), prev)
            if i == len(events) - 1:
                record = record.signed(key)
            batch += record.line() + b"\n"
            prev = record.hash()
        append(log_file(self.path, head.file), bytes(batch))
        head = self._signed_head(seq, prev, head.file, head.size + len(batch), key)
        write_head(self.head_path, head)
        return head

    def _signed_head(
        self, count: int, hash: str, file: int, size: int, key: Ed25519PrivateKey
    ) -> Head:
        return Head(count, hash, file, size, self.public_key.hex()).signed(key)

    def _resume(self) -> tuple[Head, list[Event]]:
        """Where to continue, and events for the damage that was found.

        Where something is missing, the log continues in a new file from the state that the head
        records, so that the gap stays visible.
        """
        present = numbers(self.path)
        newest = present[-1] if present else 0
        try:
            head, reason = read_head(self.head_path), "head-missing"
        except AuditError:
            head, reason = None, "head-damaged"
        if head is not None and not head.is_signed_by(self.public_key):
            head, reason = None, "head-of-another-key"
        if head is None:
            last = last_record(self.path)
            if last is None and reason == "head-missing":
                return Head(0, GENESIS, newest + 1, 0, self.public_key.hex()), []
            count, hash = (last.seq, last.hash()) if last else (0, GENESIS)
            new_head = Head(count, hash, newest + 1, 0, self.public_key.hex())
            return new_head, [Event("break", {"reason": reason}, timestamp())]
        if newest > head.file or size_of(log_file(self.path, head.file)) > head.size:
            return self._recover(head, present)
        if size_of(log_file(self.path, head.file)) < head.size:
            fields: dict[str, Field] = {"reason": "shorter", "expected_bytes": head.size}
            new_head = Head(head.count, head.hash, max(newest, head.file) + 1, 0, head.public_key)
            return new_head, [Event("break", fields, timestamp())]
        return head, []

    def _recover(self, head: Head, present: Sequence[int]) -> tuple[Head, list[Event]]:
        """Lines that were written when the machine stopped, before their head was.

        Whole batches are kept, for they are signed; a torn one is cut off, and the log says so.
        """
        last_signed, torn = head, 0
        for number in [n for n in present if n >= head.file]:
            path = log_file(self.path, number)
            start = head.size if number == head.file else 0
            at, current = start, last_signed
            for line, whole in lines(path, start):
                record = _follows(line, current) if whole else None
                if record is None:
                    break
                at += len(line) + 1
                current = Head(record.seq, record.hash(), number, at, head.public_key)
                if record.is_signed_by(self.public_key):
                    last_signed = current
            end = last_signed.size if last_signed.file == number else start
            if size_of(path) > end:
                torn += size_of(path) - end
                cut(path, end)
        repairs = [Event("repair", {"torn_bytes": torn}, timestamp())] if torn else []
        return last_signed, repairs

    def _prune(self, head: Head, keep: int, key: Ed25519PrivateKey) -> None:
        older = [n for n in numbers(self.path) if n <= head.file - keep]
        if not older:
            return
        first = next(
            (
                Record.parse(line)
                for number in range(older[-1] + 1, head.file + 1)
                for line, _ in lines_if_there(log_file(self.path, number))
            ),
            None,
        )
        seq, prev = (first.seq, first.prev) if first else (head.count + 1, head.hash)
        event = Event("prune", {"first": seq, "prev": prev, "files": len(older)}, timestamp())
        self._append_batch(head, [event], key)
        for number in older:
            log_file(self.path, number).unlink()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Ed25519PrivateKey]:
        key = self.private_key
        with self._explained("write"):
            make_private(self.path)
            make_private(self.head_path.parent)
            with file_lock(self.path / ".lock"):
                yield key

    @contextlib.contextmanager
    def _locked_if_possible(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):  # a copy on a medium that can't be written
                if self.path.is_dir():
                    stack.enter_context(file_lock(self.path / ".lock"))
            yield

    @contextlib.contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise AuditError(
                f"can't {what} the audit log in {str(self.path)!r}: {reason}; check the folder's"
                " permissions and free space"
            ) from error


def lines_if_there(path: Path) -> Iterator[tuple[bytes, bool]]:
    """As `lines`; nothing where there is no file."""
    if path.exists():
        yield from lines(path)


def _follows(line: bytes, head: Head) -> Record | None:
    try:
        record = Record.parse(line)
    except AuditError:
        return None
    return record if record.seq == head.count + 1 and record.prev == head.hash else None


__all__ = ["AuditLog", "AuditReport", "Event", "timestamp"]
