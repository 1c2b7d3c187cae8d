"""The lines of the list of withdrawn consents: what they hold, how they are chained and signed.

A line a revocation, in JSON: the record's id, when, why, the SHA-256 of the line before, the
device's public key and its signature.  Each line has one spelling, so that no byte of the list can
change unseen: a capital digit, a space, a carriage return or an id that comes twice is an error,
and none is passed over.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicelet.config import from_mapping
from voicelet.errors import ConfigError, ConsentError, SealError
from voicelet.files import open_own
from voicelet.trust.consent.record import from_iso
from voicelet.trust.keys import seal

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

CONTEXT = "voicelet-revocation-1"
MAX_BYTES = 16 << 20
START = "0" * 64
"""What stands for the line before the first."""
_REPLACES = re.compile(r"replaces (\d{1,9}) ([0-9a-f]{64})")
_ID = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class Revocation:
    """One consent withdrawn; `id` is the record's, `previous` the hash of the line before."""

    id: str
    revoked: str
    reason: str
    previous: str
    device: str
    signature: str = field(repr=False)

    @property
    def replaces(self) -> Anchor | None:
        """The state of a list that was lost, if the line says that this list took its place."""
        match = _REPLACES.fullmatch(self.reason)
        try:
            return Anchor(int(match[1]), match[2]) if match else None
        except ValueError:  # anybody can sign a line that names a state no list was ever in
            return None


@dataclass(frozen=True, order=True)
class Anchor:
    """The state of a list, kept apart from it.

    Attributes:
        count: lines.
        sha256: of the last one; `START` where there is none.
    """

    count: int
    sha256: str

    def __post_init__(self) -> None:
        if self.count < 0 or not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise ValueError("no state of a list")
        if (self.count == 0) != (self.sha256 == START):
            raise ValueError("no state of a list")


EMPTY = Anchor(0, START)


@dataclass(frozen=True)
class Chain:
    """A list, every line of which holds."""

    lines: tuple[bytes, ...] = ()
    entries: tuple[Revocation, ...] = ()
    hashes: tuple[str, ...] = ()

    @property
    def anchor(self) -> Anchor:
        """Its state."""
        return Anchor(len(self.hashes), self.hashes[-1]) if self.hashes else EMPTY

    @property
    def raw(self) -> bytes:
        """As it is stored."""
        return b"".join(line + b"\n" for line in self.lines)

    def ids(self) -> dict[str, str]:
        """Id → date."""
        return {e.id: e.revoked for e in self.entries}

    def holds(self, anchor: Anchor) -> bool:
        """Whether this list was once in that state: it is the same one, perhaps grown since."""
        if anchor.count == 0:
            return True
        return anchor.count <= len(self.hashes) and self.hashes[anchor.count - 1] == anchor.sha256

    def replaced(self, device: str) -> set[Anchor]:
        """States of lost lists whose place this one took, as this device signed (`device`: hex)."""
        states = (e.replaces for e in self.entries if e.device == device)
        return {state for state in states if state is not None}

    def grown(self, key: Ed25519PrivateKey, record_id: str, revoked: str, reason: str) -> Chain:
        """With one more line, signed."""
        values = {
            "id": record_id,
            "revoked": revoked,
            "reason": reason,
            "previous": self.anchor.sha256,
            "device": key.public_key().public_bytes_raw().hex(),
        }
        signature = seal.sign(key, CONTEXT, _canonical(values)).hex()
        line = _canonical({**values, "signature": signature})
        return Chain(
            (*self.lines, line),
            (*self.entries, Revocation(**values, signature=signature)),
            (*self.hashes, hashlib.sha256(line).hexdigest()),
        )


def read_raw(path: Path) -> bytes:
    """The bytes of a list; none where there is no file.

    Raises:
        ConsentError: it can't be read, is too large, or no file.
    """
    try:
        with open(open_own(path, os.O_RDONLY), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "not a file")
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise ConsentError(f"{path}: {error.strerror or error}") from None
    if len(raw) > MAX_BYTES:
        raise ConsentError(f"{path} is far too large for a list of revocations")
    return raw


def parse(raw: bytes) -> Chain:
    """Read a list.

    Raises:
        ConsentError: the first line that was changed, removed, moved, cut or comes twice.
    """
    chain, problem = longest_sound(raw)
    if problem:
        raise ConsentError(problem)
    return chain


def longest_sound(raw: bytes) -> tuple[Chain, str]:
    """The beginning of a list up to the first line that doesn't hold, and what is wrong there."""
    entries: list[Revocation] = []
    hashes: list[str] = []
    lines, problem, ids = _lines(raw), "", set()
    for number, line in enumerate(lines, 1):
        try:
            entry = _parse_line(line)
        except ConsentError as error:
            problem = f"line {number}: {error}"
            break
        if entry.previous != (hashes[-1] if hashes else START):
            problem = f"line {number}: the line before was changed, removed or moved"
            break
        if entry.id in ids:
            problem = f"line {number}: this revocation stands in the list twice"
            break
        ids.add(entry.id)
        entries.append(entry)
        hashes.append(hashlib.sha256(line).hexdigest())
    if not problem and raw and not raw.endswith(b"\n"):
        problem = "the last line is cut short"
    return Chain(tuple(lines[: len(entries)]), tuple(entries), tuple(hashes)), problem


def scattered(raw: bytes) -> dict[str, Revocation]:
    """By id: the lines that hold for themselves, wherever they stand in a broken list."""
    found = {}
    for line in _lines(raw):
        try:
            entry = _parse_line(line)
        except ConsentError:
            continue
        found[entry.id] = entry
    return found


def mentioned(raw: bytes) -> Iterable[str]:
    """Whatever could be an id in a broken list, however it is spelled."""
    return {m.decode().lower() for m in re.findall(rb"(?<![0-9a-fA-F])[0-9a-fA-F]{32}", raw)}


def is_id(record_id: object) -> bool:
    """Whether this is the id of a consent record."""
    return isinstance(record_id, str) and _ID.fullmatch(record_id) is not None


def _lines(raw: bytes) -> list[bytes]:
    """Lines without their ends; a carriage return ends none, as this module writes none."""
    lines = raw.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def _parse_line(line: bytes) -> Revocation:
    try:
        entry = from_mapping(Revocation, json.loads(line.decode("ascii")), "revocation")
        values = asdict(entry)
        if _canonical(values) != line:
            raise ValueError("not spelled as it was signed")
        from_iso("the date", entry.revoked)
        seal.from_hex(entry.id, 16)
        seal.from_hex(entry.previous, 32)
        signature = seal.from_hex(values.pop("signature"), 64)
        seal.verify(seal.from_hex(entry.device, 32), CONTEXT, _canonical(values), signature)
    except (ValueError, RecursionError, ConfigError, SealError, ConsentError) as error:
        kind = type(error).__name__
        raise ConsentError(f"this revocation was changed ({kind})") from None
    return entry


def _canonical(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()
