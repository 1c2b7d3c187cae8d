"""Withdrawn consents: a signed list that only grows.

A line a revocation, in JSON: the record's id, when, why, the SHA-256 of the line before, the
device's public key and its signature.  A changed, missing or moved line breaks the chain.  Records
that a damaged list still names stay revoked.  It doesn't silence other voices; the damage is
reported in the log.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from voicelet.config import from_mapping
from voicelet.errors import ConfigError, ConsentEndedError, ConsentError, SealError
from voicelet.files import atomic_file, data_dir, file_lock
from voicelet.trust.consent.record import ConsentRecord, check_text, from_iso, to_iso, utc_now
from voicelet.trust.keys import seal
from voicelet.trust.keys.device_key import device_key

CONTEXT = "voicelet-revocation-1"
MAX_BYTES = 16 << 20
_START = "0" * 64
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Revocation:
    """One consent withdrawn; `id` is the record's, `previous` the hash of the line before."""

    id: str
    revoked: str
    reason: str
    previous: str
    device: str
    signature: str = field(repr=False)


_State = tuple[int, int, int]


class Revocations:
    """The list in a file; a missing file is an empty list.

    Args:
        path: the file; by default the device's own, see :func:`default_file`.  It isn't among the
            profiles: a voice that is erased and imported again stays revoked.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(path) if path is not None else default_file()
        self._seen: tuple[_State, dict[str, str]] | None = None

    def add(self, record_id: str, reason: str = "", now: datetime | None = None) -> Revocation:
        """Withdraw the consent with that id, for good; doing so twice adds nothing.

        Raises:
            ConsentError: the list can't be written.
            SealError: the device's key can't be had.
        """
        if not re.fullmatch("[0-9a-f]{32}", record_id):
            raise ConsentError(f"{record_id[:40]!r} is no id of a consent record")
        reason = check_text("the reason", reason, empty=True)
        key = device_key()
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with file_lock(self.path.with_name(self.path.name + ".lock")):
                old = self._read()
                for entry in _sound(old):
                    if entry.id == record_id:
                        return entry
                lines = _lines(old)
                previous = hashlib.sha256(lines[-1]).hexdigest() if lines else _START
                values = {
                    "id": record_id,
                    "revoked": to_iso(now or utc_now()),
                    "reason": reason,
                    "previous": previous,
                    "device": key.public_key().public_bytes_raw().hex(),
                }
                signature = seal.sign(key, CONTEXT, _canonical(values)).hex()
                line = _canonical({**values, "signature": signature})
                with atomic_file(self.path, 0o600) as file:
                    file.write(b"\n".join([*lines, line, b""]))
        except OSError as error:
            raise ConsentError(
                f"{self.path}: {error.strerror or error}; the consent is NOT revoked"
            ) from None
        self._seen = None
        return Revocation(**values, signature=signature)

    def check(self, record: ConsentRecord) -> None:
        """Raise ConsentEndedError if the record is listed.  Costs a look at the file's date."""
        revoked = self._table()
        if record.id in revoked:
            on = f" on {revoked[record.id][:10]}" if revoked[record.id] else ""
            raise ConsentEndedError(
                f"{record.given_by} withdrew the consent to this voice{on}; to agree anew:"
                " voicelet consent add"
            )

    def __contains__(self, record_id: object) -> bool:
        return record_id in self._table()

    def entries(self) -> list[Revocation]:
        """All revocations, oldest first.

        Raises:
            ConsentError: a line was changed, removed or moved; it is named.
        """
        raw = self._read()
        found: list[Revocation] = []
        previous = _START
        if raw and not raw.endswith(b"\n"):
            raise ConsentError(f"{self.path}: the last line is cut short; restore a backup")
        for number, line in enumerate(_lines(raw), 1):
            try:
                entry = _parse(line)
            except ConsentError as error:
                raise ConsentError(f"{self.path}, line {number}: {error}") from None
            if entry.previous != previous:
                raise ConsentError(
                    f"{self.path}, line {number}: the line before was changed, removed or moved;"
                    " restore a backup"
                )
            previous = hashlib.sha256(line).hexdigest()
            found.append(entry)
        return found

    def _table(self) -> dict[str, str]:
        """Id → date, read again when the file has changed."""
        try:
            status = os.stat(self.path)
            state: _State = (status.st_ino, status.st_size, status.st_mtime_ns)
        except FileNotFoundError:
            return {}
        except OSError as error:
            _log.warning("%s: %s; withdrawn consents can't be looked up", self.path, error.strerror)
            return {}
        if self._seen is None or self._seen[0] != state:
            self._seen = (state, self._load())
        return self._seen[1]

    def _load(self) -> dict[str, str]:
        try:
            return {e.id: e.revoked for e in self.entries()}
        except ConsentError as error:
            # A communication aid must not fall silent for a damaged line about somebody else.
            _log.warning("%s (what it still names stays revoked)", error)
        try:
            raw = self._read()
        except ConsentError:
            return {}
        return {found.decode(): "" for found in re.findall(rb"\b[0-9a-f]{32}\b", raw)}

    def _read(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise ConsentError(f"{self.path}: {error.strerror or error}") from None
        if len(raw) > MAX_BYTES:
            raise ConsentError(f"{self.path} is far too large for a list of revocations")
        return raw


def device_revocations() -> Revocations:
    """This device's list; one object for all, so that the file is read only when it has changed."""
    return _shared(default_file())


@lru_cache(maxsize=4)
def _shared(path: Path) -> Revocations:
    return Revocations(path)


def default_file() -> Path:
    """`$XDG_DATA_HOME/voicelet/consent/revoked.jsonl`."""
    return data_dir() / "consent" / "revoked.jsonl"


def _lines(raw: bytes) -> list[bytes]:
    """Lines without their ends; a carriage return ends none, as this module writes none."""
    lines = raw.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def _sound(raw: bytes) -> Iterator[Revocation]:
    """The lines that hold, of a list that may be damaged."""
    for line in _lines(raw):
        try:
            yield _parse(line)
        except ConsentError:
            continue


def _parse(line: bytes) -> Revocation:
    try:
        entry = from_mapping(Revocation, json.loads(line.decode("ascii")), "revocation")
        values = asdict(entry)
        if _canonical(values) != line:
            raise ValueError("not spelled as it was signed")
        from_iso("the date", entry.revoked)
        seal.from_hex(entry.id, 16)
        signature = seal.from_hex(values.pop("signature"), 64)
        seal.verify(seal.from_hex(entry.device, 32), CONTEXT, _canonical(values), signature)
    except (ValueError, RecursionError, ConfigError, SealError) as error:
        kind = type(error).__name__
        raise ConsentError(f"this revocation was changed ({kind}); restore a backup") from None
    return entry


def _canonical(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()
