"""Whose signatures under consent records count on this device.

A record proves who signed it, and anybody can make a key.  So a record that this device's own key
didn't sign speaks only if its signer is on the device's list: put there when a profile of theirs
was imported and somebody said yes, or by `voicelet consent trust`, for a fleet or a clinic.  A
signer's entry says what their records may allow here, whatever the records themselves list; by
default the speaker's own use.

The list is a file of mode 0600 among the device's data.  It isn't signed: whoever can change it
could run the command as well.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import shlex
import stat
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from voicelet.config import from_mapping, unique_keys
from voicelet.errors import ConfigError, ConsentError, SealError
from voicelet.files import atomic_file, data_dir, file_lock, make_private, open_own
from voicelet.trust.consent.clock import check_not_ahead, remember_time
from voicelet.trust.consent.record import (
    BY_STATEMENT,
    ConsentRecord,
    check_purposes,
    check_text,
    covers,
    from_iso,
    to_iso,
    utc_now,
)
from voicelet.trust.keys.device_key import existing_public_key

MAX_BYTES = 1 << 20
_VERSION = 1
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrustedSigner:
    """Somebody else's device whose records count here.

    Attributes:
        key: its public key, 64 hexadecimal digits; a record's `device`.
        name: what it is called here; may be empty.
        purposes: what its records may allow here, and what it may countersign.
        added: when it was trusted, ISO 8601 in UTC.

    Raises:
        ConsentError: a value is impossible.
    """

    key: str
    name: str
    purposes: tuple[str, ...]
    added: str

    def __post_init__(self) -> None:
        check_key(self.key)
        object.__setattr__(self, "name", check_text("the name", self.name, empty=True))
        object.__setattr__(self, "purposes", check_purposes(self.purposes))
        from_iso("the date", self.added)

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {**asdict(self), "purposes": list(self.purposes)}


def check_key(key: str) -> str:
    """Return a signer's public key as records write it; capitals, spaces and colons are forgiven.

    Raises:
        ConsentError: it is none.
    """
    plain = re.sub(r"[\s:-]", "", key).lower() if isinstance(key, str) else ""
    if not re.fullmatch("[0-9a-f]{64}", plain):
        raise ConsentError(
            f"{str(key)[:80]!r} is no signer's key; it has 64 hexadecimal digits, and `voicelet"
            " consent signers` shows a device its own"
        )
    return plain


_State = tuple[int, int, int]


class TrustedSigners:
    """The list in a file; a missing file is an empty list.

    Args:
        path: the file; by default the device's own, see :func:`default_file`.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(path) if path is not None else default_file()
        self._seen: tuple[_State, dict[str, TrustedSigner]] | None = None

    def trust(
        self,
        key: str,
        name: str = "",
        purposes: str | Iterable[str] = BY_STATEMENT,
        now: datetime | None = None,
    ) -> TrustedSigner:
        """Count a signer's records from now on; replaces an earlier entry of that key.

        Raises:
            ConsentError: it is no key, a value is impossible, or the list can't be read or written.
        """
        signer = TrustedSigner(
            check_key(key), name, check_purposes(purposes), to_iso(now or utc_now())
        )
        self._change({signer.key: signer})
        remember_time(now)
        return signer

    def untrust(self, key: str) -> TrustedSigner:
        """Take a signer off the list: what they signed stops speaking here, at once.

        Raises:
            ConsentError: they aren't on it, or it can't be read or written.
        """
        found = self.get(check_key(key))
        if found is None:
            raise ConsentError(
                f"{check_key(key)} isn't trusted here; `voicelet consent signers` shows who is"
            )
        self._change({found.key: None})
        return found

    def get(self, key: str) -> TrustedSigner | None:
        """The entry of a key; costs a look at the file's date.

        Raises:
            ConsentError: the list is damaged.
        """
        return self._table().get(key)

    def entries(self) -> list[TrustedSigner]:
        """All of them, in the order in which they were trusted.

        Raises:
            ConsentError: the list is damaged.
        """
        return sorted(self._table().values(), key=lambda s: (s.added, s.key))

    def _change(self, changes: Mapping[str, TrustedSigner | None]) -> None:
        try:
            make_private(self.path.parent)
            with file_lock(self.path.with_name(self.path.name + ".lock")):
                table = {**self._read(), **changes}
                kept = [s.to_dict() for s in table.values() if s is not None]
                text = json.dumps({"version": _VERSION, "signers": kept}, indent=1, sort_keys=True)
                with atomic_file(self.path, 0o600, follow=False) as file:
                    file.write(text.encode("ascii"))
        except OSError as error:
            raise ConsentError(
                f"{self.path}: {error.strerror or error}; nothing was changed"
            ) from None
        self._seen = None

    def _table(self) -> dict[str, TrustedSigner]:
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConsentError(f"{self.path}: {error.strerror or error}") from None
        state: _State = (status.st_ino, status.st_size, status.st_mtime_ns)
        if self._seen is None or self._seen[0] != state:
            self._seen = (state, self._read())
        return self._seen[1]

    def _read(self) -> dict[str, TrustedSigner]:
        try:
            with open(open_own(self.path, os.O_RDONLY), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise OSError(errno.EINVAL, "not a file; remove it")
                raw = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConsentError(f"{self.path}: {error.strerror or error}") from None
        try:
            if len(raw) > MAX_BYTES:
                raise ValueError("too long")
            data = json.loads(raw.decode("ascii"), object_pairs_hook=unique_keys)
            if data["version"] != _VERSION:
                raise ValueError("of another version")
            signers = [from_mapping(TrustedSigner, row, "signer") for row in data["signers"]]
        except (
            ValueError,
            KeyError,
            TypeError,
            RecursionError,
            ConfigError,
            ConsentError,
        ) as error:
            raise ConsentError(
                f"{self.path}, the list of trusted signers, is damaged ({error}); restore it from a"
                " backup, or remove it and trust them again: voicelet consent trust"
            ) from None
        return {signer.key: signer for signer in signers}


def device_signers() -> TrustedSigners:
    """This device's list; one object for all, so that the file is read only when it has changed."""
    return _shared(default_file())


@lru_cache(maxsize=4)
def _shared(path: Path) -> TrustedSigners:
    return TrustedSigners(path)


def default_file() -> Path:
    """`$XDG_DATA_HOME/voicelet/consent/signers.json`."""
    return data_dir() / "consent" / "signers.json"


def is_own(record: ConsentRecord) -> bool:
    """Whether this device signed a record."""
    return record.device == _own_key()


def signers_of(record: ConsentRecord) -> tuple[str, ...]:
    """Public keys of the other devices that signed a record, or it before it was adapted."""
    own = _own_key()
    return tuple(key for key in (*record.earlier_signers, record.device) if key != own)


def check_authority(
    record: ConsentRecord,
    purpose: str,
    *,
    now: datetime | None = None,
    name: str = "",
    signers: TrustedSigners | None = None,
) -> None:
    """Check that the signers of a record may allow a use here, and that its date has come.

    What the record itself says and whether its signatures hold is `ConsentRecord.check`'s and
    `verify`'s matter.

    Args:
        name: of the profile it is in, for the message.
        signers: who is trusted; by default this device's list.

    Raises:
        ConsentError: its signer isn't known here, or not trusted with that purpose; it needs a
            countersignature by somebody who is; or it is dated in the future.
    """
    trusted = signers or device_signers()
    own = _own_key()
    for key in signers_of(record):
        _check_signer(key, purpose, trusted, name)
    if record.needs_countersigner(purpose):
        # Twice the same hand is no second signature, nor is this device's own.
        is_second = record.countersigner not in (own, record.device, *record.earlier_signers)
        second = trusted.get(record.countersigner) if is_second else None
        if second is None or not covers(second.purposes, purpose):
            raise ConsentError(
                f"the countersigner of this consent ({record.countersigner}) isn't trusted with"
                f" {purpose} here; if you know them: voicelet consent trust {record.countersigner}"
                f" --purpose {purpose}"
            )
    check_not_ahead(record.created, now)


def _check_signer(key: str, purpose: str, trusted: TrustedSigners, name: str) -> None:
    signer = trusted.get(key)
    if signer is None:
        raise ConsentError(
            "its consent was signed by a device that isn't known here (a profile from elsewhere, or"
            " this device's key was lost); look at it, and if it is right:"
            f" voicelet consent trust {shlex.quote(name) if name else key}"
        )
    if not covers(signer.purposes, purpose):
        raise ConsentError(
            f"its consent was signed by another device ({signer.name or signer.key}), which is"
            f" trusted with {', '.join(signer.purposes)} here, not with {purpose}; if that is"
            f" right: voicelet consent trust {signer.key} --purpose {purpose}"
        )


def _own_key() -> str:
    """This device's public key; empty without one: nothing is signed by it then."""
    try:
        return (existing_public_key() or b"").hex()
    except SealError as error:
        _log.warning("%s; consents that this device signed can't be told from others", error)
        return ""
