"""The lines of the audit log and its head: what they hold, how they are chained and signed.

A line is one JSON object in its one canonical spelling, so that no byte of it can change unseen:

    {"seq":7,"time":"2026-11-23T09:30:00.000Z","event":"use","fields":{…},"prev":"…","sig":"…"}

`prev` is the SHA-256 of the line before, without its end-of-line; `sig`, an Ed25519 signature of
the line without `sig`, stands on the last line of every batch that was written at once and, through
the chain, holds for all lines before it.  The head, a file of its own, says how many lines there
are and what the last one's hash is, signed too, so that lines can't be cut from the end unseen.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from voicelet.config import from_mapping
from voicelet.errors import AuditError, ConfigError, SealError
from voicelet.files import atomic_file, open_own, sync_folder

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


Field = str | int | float | bool

GENESIS = hashlib.sha256(b"voicelet-audit-1").hexdigest()
"""What stands for the line before the first."""
LINE_CONTEXT, HEAD_CONTEXT = "voicelet-audit-line-1", "voicelet-audit-head-1"
MAX_LINE_BYTES = 16384
MAX_FIELDS = 24
MAX_CHARACTERS = 256
_EVENT = re.compile(r"[a-z][a-z-]{0,31}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_HASH, _SIGNATURE = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{128}")


@dataclass(frozen=True)
class Record:
    """One line.

    Attributes:
        seq: 1, 2, 3, … over all files of the log.
        time: UTC, to the millisecond.
        event: what happened: "use", "enrol", …
        fields: short facts; never text that was spoken, never a name in clear.
        prev: SHA-256 of the line before (64 hexadecimal digits).
        sig: Ed25519 over the line without it (128 hexadecimal digits), on the last of a batch.

    Raises:
        ConfigError: a value can't be one.
    """

    seq: int
    time: str
    event: str
    fields: dict[str, Any]
    prev: str
    sig: str | None = None

    def __post_init__(self) -> None:
        check_event(self.event, self.fields)
        fits = self.seq >= 1 and _TIME.fullmatch(self.time) and _HASH.fullmatch(self.prev)
        if not fits or (self.sig is not None and not _SIGNATURE.fullmatch(self.sig)):
            raise ConfigError("a number, time, hash or signature that can't be one")

    def unsigned(self) -> bytes:
        """The line without its signature: what is signed."""
        return _dump({k: v for k, v in asdict(self).items() if k != "sig"})

    def line(self) -> bytes:
        """The line, without its end."""
        return _dump({k: v for k, v in asdict(self).items() if v is not None})

    def hash(self) -> str:
        """SHA-256 of the line."""
        return hashlib.sha256(self.line()).hexdigest()

    def signed(self, key: Ed25519PrivateKey) -> Record:
        """With a signature."""
        from voicelet.trust.keys.seal import sign

        return replace(self, sig=sign(key, LINE_CONTEXT, self.unsigned()).hex())

    def is_signed_by(self, public_key: bytes) -> bool:
        """Whether the signature holds."""
        return self.sig is not None and _holds(public_key, LINE_CONTEXT, self.unsigned(), self.sig)

    @classmethod
    def parse(cls, line: bytes) -> Record:
        """Read a line.

        Raises:
            AuditError: it isn't one, or isn't spelled as this module spells it.
        """
        record: Record = _parse(cls, line, "a record")
        if record.line() != line:
            raise AuditError("not spelled as it was written")
        return record


@dataclass(frozen=True)
class Head:
    """The state of the whole log when it was last written.

    Attributes:
        count: records.
        hash: of the last line; `GENESIS` where there is none.
        file: number of the file that is written to, 1, 2, …
        size: bytes of that file.
        public_key: the device's, 64 hexadecimal digits.
        sig: Ed25519 over all of these.
    """

    count: int
    hash: str
    file: int
    size: int
    public_key: str
    sig: str = ""

    def __post_init__(self) -> None:
        fits = self.count >= 0 and self.file >= 1 and self.size >= 0
        fits = fits and bool(_HASH.fullmatch(self.hash) and _HASH.fullmatch(self.public_key))
        if not fits or (self.sig and not _SIGNATURE.fullmatch(self.sig)):
            raise ConfigError("a number, hash, key or signature that can't be one")

    def unsigned(self) -> bytes:
        """What is signed."""
        return _dump({k: v for k, v in asdict(self).items() if k != "sig"})

    def signed(self, key: Ed25519PrivateKey) -> Head:
        """With a signature."""
        from voicelet.trust.keys.seal import sign

        return replace(self, sig=sign(key, HEAD_CONTEXT, self.unsigned()).hex())

    def is_signed_by(self, public_key: bytes) -> bool:
        """Whether the signature holds and is this key's."""
        own = self.public_key == public_key.hex()
        return own and _holds(public_key, HEAD_CONTEXT, self.unsigned(), self.sig)

    def to_bytes(self) -> bytes:
        """As it is stored."""
        return _dump(asdict(self)) + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> Head:
        """Read a head; whether its signature holds is another question.

        Raises:
            AuditError: it isn't one.
        """
        head: Head = _parse(cls, data, "a head")
        if head.to_bytes() != data:
            raise AuditError("not spelled as it was written")
        return head


def check_event(event: str, fields: Mapping[str, Any]) -> None:
    """Refuse what can't be noted.

    Raises:
        ConfigError: naming what is wrong with it.
    """
    if not isinstance(event, str) or not _EVENT.fullmatch(event):
        raise ConfigError(f"an event is a short word in small letters, not {event!r:.40}")
    if len(fields) > MAX_FIELDS:
        raise ConfigError(f"an event has at most {MAX_FIELDS} fields, not {len(fields)}")
    for name, value in fields.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ConfigError(f"a field's name is a short word in small letters, not {name!r:.40}")
        if not isinstance(value, (str, int, float, bool)):
            raise ConfigError(
                f"field {name!r} must be text or a number, not {type(value).__name__}"
            )
        if isinstance(value, str) and len(value) > MAX_CHARACTERS:
            raise ConfigError(f"field {name!r} is longer than {MAX_CHARACTERS} characters")
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"field {name!r} is no finite number")
        if isinstance(value, int) and abs(value) >= 1 << 63:
            raise ConfigError(f"field {name!r} is too large a number")


def _dump(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def _parse(cls: type[Any], data: bytes, what: str) -> Any:
    try:
        if len(data) > MAX_LINE_BYTES:
            raise ValueError("too long")
        return from_mapping(cls, json.loads(data.decode("ascii")), what)
    except (ValueError, RecursionError, ConfigError) as error:
        raise AuditError(f"not {what} ({error})") from None


def _holds(public_key: bytes, context: str, data: bytes, signature: str) -> bool:
    from voicelet.trust.keys.seal import verify

    try:
        verify(public_key, context, data, bytes.fromhex(signature))
    except SealError:
        return False
    return True


# The files of an audit log: numbered, appended to, and read line by line with bounded memory.


FILE_NAME = re.compile(r"audit-(\d{6})\.jsonl")


def log_file(folder: Path, number: int) -> Path:
    """`audit-000001.jsonl`, …"""
    return folder / f"audit-{number:06d}.jsonl"


def numbers(folder: Path) -> list[int]:
    """Which files there are, in order.

    Raises:
        OSError: the folder can't be read.
    """
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(int(match[1]) for name in names if (match := FILE_NAME.fullmatch(name)))


def size_of(path: Path) -> int:
    """Bytes; 0 for a file that isn't there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def lines(path: Path, start: int = 0) -> Iterator[tuple[bytes, bool]]:
    """Lines without their ends, each with whether it had one.

    A line longer than any record comes in pieces, none of which is one.
    """
    with _open_file(path) as file:
        file.seek(start)
        while line := file.readline(MAX_LINE_BYTES + 1):
            yield line.removesuffix(b"\n"), line.endswith(b"\n")


def read_head(path: Path) -> Head | None:
    """The head; None where there is none.

    Raises:
        AuditError: what is there is no head.
        OSError: it can't be read.
    """
    try:
        with _open_file(path) as file:
            data = file.read(MAX_LINE_BYTES + 1)
    except FileNotFoundError:
        return None
    return Head.parse(data)


def _open_file(path: Path) -> BinaryIO:
    """Open a file to read; a pipe in its place isn't waited for."""
    file = os.fdopen(open_own(path, os.O_RDONLY), "rb")
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise OSError(errno.EINVAL, "not a file; remove it", str(path))


def write_head(path: Path, head: Head) -> None:
    """Replace the head, all or nothing."""
    with atomic_file(path, 0o600, follow=False) as file:
        file.write(head.to_bytes())


def append(path: Path, data: bytes) -> None:
    """Add to the end of a file, synced; where the disk is full, the file is as it was.

    Raises:
        OSError: nothing was added.
    """
    is_new = not path.exists()
    descriptor = open_own(path, os.O_WRONLY | os.O_CREAT)
    with os.fdopen(descriptor, "wb") as file:
        before = file.seek(0, os.SEEK_END)
        try:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        except OSError:
            _shorten(file, before)
            raise
    if is_new:
        sync_folder(path.parent)


def _shorten(file: BinaryIO, size: int) -> None:
    with contextlib.suppress(OSError):
        os.ftruncate(file.fileno(), size)


def cut(path: Path, size: int) -> None:
    """Shorten a file to `size` bytes, synced."""
    with open(open_own(path, os.O_RDWR), "r+b") as file:
        file.truncate(size)
        os.fsync(file.fileno())


def last_record(folder: Path) -> Record | None:
    """The last line of the log that is a record at all; None where there is none."""
    for number in reversed(numbers(folder)):
        last: Record | None = None
        for line, _ in lines(log_file(folder, number)):
            with contextlib.suppress(AuditError):
                last = Record.parse(line)
        if last is not None:
            return last
    return None
