"""Whether an audit log is as it was written: every line, the chain, the signatures, the head."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from voicelet.errors import AuditError
from voicelet.trust.audit.record import (
    GENESIS,
    Field,
    Head,
    Record,
    lines,
    log_file,
    numbers,
    read_head,
)

MAX_PROBLEMS = 100


@dataclass(frozen=True)
class Problem:
    """Attributes: `kind` ("edited", "missing", "order", "cut", "signature", "head", "break"), and
    `message`, which says where and what.
    """

    kind: str
    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class AuditReport:
    """What a look at every byte found.

    Attributes:
        records: that the log holds.
        files: that it is spread over.
        first, last: times of the first and the last record; "" where there is none.
        problems: at most 100; empty for an intact log.
        unfinished_bytes: after the last whole batch: the machine stopped in mid-write, or somebody
            added them; no part of the log, and cut off when it is next written to.
        repairs: times that such an end was cut off, as the log itself says.
        pruned: records that the log says were deleted with old files.
    """

    records: int
    files: int
    first: str
    last: str
    problems: tuple[Problem, ...]
    unfinished_bytes: int = 0
    repairs: int = 0
    pruned: int = 0


@dataclass
class _Walk:
    """The state of a walk along the chain."""

    public_key: bytes
    count: int = 0
    prev: str = GENESIS
    records: int = 0
    first: str = ""
    last: str = ""
    repairs: int = 0
    signed: int = 0  # the number of the last record that a signature holds for
    start: Record | None = None
    problems: list[Problem] = field(default_factory=list)
    prunes: set[tuple[Field, Field]] = field(default_factory=set)
    hashes: dict[int, str] = field(default_factory=dict)  # of the records that heads name

    def add_problem(self, kind: str, message: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(kind, message))

    def step(self, record: Record, where: str, counts: set[int]) -> None:
        if self.start is None:
            self.start = record  # may come late, if a record says that older files were deleted
        elif record.seq > self.count + 1:
            gap = _span(self.count + 1, record.seq - 1)
            self.add_problem("missing", f"{gap} missing before {where}")
        elif record.seq <= self.count:
            self.add_problem(
                "order", f"record {record.seq} stands after record {self.count}, at {where}"
            )
        elif record.prev != self.prev:
            name = f"record {self.count}" if self.count else "the beginning"
            self.add_problem("edited", f"{name} was changed: {where} was chained to another one")
        self.count, self.prev = record.seq, record.hash()
        self.records += 1
        self.first, self.last = self.first or record.time, record.time
        if record.sig is not None:
            if record.is_signed_by(self.public_key):
                self.signed = record.seq
            else:
                self.add_problem(
                    "signature", f"the signature of record {record.seq} isn't this device's"
                )
        if record.event == "break":
            reason = str(record.fields.get("reason", "?")).replace("-", " ")
            self.add_problem(
                "break", f"the log was found broken before record {record.seq}: {reason}"
            )
        elif record.event == "repair":
            self.repairs += 1
        elif record.event == "prune":
            self.prunes.add((record.fields.get("first", 0), record.fields.get("prev", "")))
        if record.seq in counts:
            self.hashes[record.seq] = self.prev


def check_log(
    folder: Path, head_path: Path, public_key: bytes, since: Head | None = None
) -> AuditReport:
    """See `voicelet.trust.audit.log.AuditLog.check`.

    Raises:
        OSError: a file can't be read.
    """
    walk = _Walk(public_key)
    head = _genuine_head(head_path, walk)
    counts = {h.count for h in (head, since) if h is not None}
    tail = _Tail(walk, counts)
    files = numbers(folder)
    for number in files:
        at = 0
        for count, (line, whole) in enumerate(lines(log_file(folder, number)), 1):
            where = f"line {count} of {log_file(folder, number).name}"
            size = len(line) + whole
            if head is not None and (number, at) >= (head.file, head.size):
                tail.add(line if whole else b"", size, where)
            else:
                _step_line(line, whole, where, walk, counts)
            at += size
    if walk.signed < walk.count:
        walk.add_problem("signature", f"{_span(walk.signed + 1, walk.count)} not signed")
    _compare(walk, head, head_path)
    if since is not None:
        _compare_checkpoint(walk, since)
    return AuditReport(
        records=walk.records,
        files=len(files),
        first=walk.first,
        last=walk.last,
        problems=tuple(walk.problems),
        unfinished_bytes=tail.bytes,
        repairs=walk.repairs,
        pruned=walk.start.seq - 1 if walk.start else 0,
    )


class _Tail:
    """Lines after the state that the head records: whole, signed batches are part of the log (the
    machine stopped before their head was written); anything else isn't.
    """

    def __init__(self, walk: _Walk, counts: set[int]) -> None:
        self._walk, self._counts = walk, counts
        self._batch: list[tuple[Record, str]] = []
        self._is_over = False
        self.bytes = 0

    def add(self, line: bytes, size: int, where: str) -> None:
        self.bytes += size
        count, prev = self._walk.count, self._walk.prev
        if self._batch:
            count, prev = self._batch[-1][0].seq, self._batch[-1][0].hash()
        try:
            record = Record.parse(line)
        except AuditError:
            self._is_over = True
            return
        if self._is_over or (record.seq, record.prev) != (count + 1, prev):
            self._is_over = True
            return
        self._batch.append((record, where))
        if record.is_signed_by(self._walk.public_key):
            for batch_record, place in self._batch:
                self._walk.step(batch_record, place, self._counts)
            self._batch, self.bytes = [], 0


def _step_line(line: bytes, whole: bool, where: str, walk: _Walk, counts: set[int]) -> None:
    try:
        record = Record.parse(line)
    except AuditError as error:
        walk.add_problem("edited", f"{where}, after record {walk.count}, was changed: {error}")
        return
    if not whole:
        walk.add_problem("edited", f"the end of {where}, record {record.seq}, was cut off")
    walk.step(record, where, counts)


def _genuine_head(path: Path, walk: _Walk) -> Head | None:
    try:
        head = read_head(path)
    except AuditError as error:
        walk.add_problem("head", f"{path.name} was changed: {error}")
        return None
    if head is not None and not head.is_signed_by(walk.public_key):
        walk.add_problem(
            "head", f"{path.name} was changed, or is another device's: its signature doesn't hold"
        )
        return None
    return head


def _compare(walk: _Walk, head: Head | None, path: Path) -> None:
    if head is None:
        if walk.records and not walk.problems:
            walk.add_problem(
                "head", f"{path.name} is missing: records may have been cut from the end"
            )
        return
    if walk.count < head.count:
        gap = _span(walk.count + 1, head.count)
        walk.add_problem("cut", f"{gap} missing at the end, says {path.name}")
    elif head.count and head.count not in walk.hashes:
        walk.add_problem("missing", f"record {head.count}, which {path.name} names, is missing")
    elif head.count and walk.hashes[head.count] != head.hash:
        walk.add_problem("edited", f"record {head.count} was changed, says {path.name}")
    start = walk.start
    if start is not None and start.seq > 1 and (start.seq, start.prev) not in walk.prunes:
        walk.add_problem("missing", f"{_span(1, start.seq - 1)} missing at the beginning")
    elif start is not None and start.seq == 1 and start.prev != GENESIS:
        walk.add_problem("edited", "record 1 is chained to something before it")


def _compare_checkpoint(walk: _Walk, since: Head) -> None:
    if not since.is_signed_by(walk.public_key):
        walk.add_problem("head", "the checkpoint isn't this device's")
    elif walk.count < since.count:
        walk.add_problem(
            "cut", f"{_span(walk.count + 1, since.count)} missing, says the checkpoint"
        )
    elif since.count in walk.hashes and walk.hashes[since.count] != since.hash:
        walk.add_problem("edited", f"record {since.count} isn't the one of the checkpoint")


def _span(first: int, last: int) -> str:
    return f"record {first} is" if first == last else f"records {first} to {last} are"
