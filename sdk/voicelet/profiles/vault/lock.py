"""What `vault.json` holds: which keys a vault has, and what is pending.

It lists the keys: the first encrypts what is written; others are there only while a rotation is
under way.  How each is kept:

- `keystore`: by the system, through `keyring`;
- `file`: in a file of mode 0600 outside the vault, `$XDG_DATA_HOME/voicelet/keys`;
- `passphrase`: in `vault.json` itself, encrypted under a key stretched from the passphrase by
  scrypt (RFC 7914);
- `plain`: there is none, profiles are not encrypted;
- `wrapped`: in `vault.json`, under the key in use: the key of an earlier passphrase, while
  a rotation is under way.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from typing import Any

from voicelet.config import from_mapping
from voicelet.errors import ConfigError, ProfileError
from voicelet.profiles.vault.disk import Disk
from voicelet.trust.keys import keystore
from voicelet.trust.keys.passphrase import Stretch

FILE_NAME = "vault.json"
PASSPHRASE, PLAIN, WRAPPED = "passphrase", "plain", "wrapped"
KEYSTORE, FILE = keystore.KEYSTORE, keystore.FILE
PROTECTIONS = (KEYSTORE, FILE, PASSPHRASE, PLAIN)
_FORMAT, _VERSION = "voicelet vault", 1
_RECORD_KEYS = 4
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Slot:
    """One key of a vault.

    Attributes:
        id: 16 hexadecimal digits.
        where: one of `PROTECTIONS`, or "wrapped".
        stretch: how a passphrase is stretched.
        wrapped: the key, encrypted under the passphrase's or another key; base64.
    """

    id: str
    where: str
    stretch: Stretch | None = None
    wrapped: str = ""

    def __post_init__(self) -> None:
        if self.where not in (*PROTECTIONS, WRAPPED) or len(bytes.fromhex(self.id)) != 8:
            raise ValueError("a key that can't be")
        if (self.stretch is None) == (self.where == PASSPHRASE):
            raise ValueError("a passphrase needs its settings")


@dataclass(frozen=True)
class Lock:
    """What `vault.json` holds.

    Attributes:
        vault: 16 hexadecimal digits.
        slots: the keys, the one in use first.
        rotate: the key must be changed as soon as it can be: a profile was erased.
        erased: files that were erased without the index saying so yet: the vault was locked.
    """

    vault: str
    slots: tuple[Slot, ...]
    rotate: bool = False
    erased: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.slots or len(bytes.fromhex(self.vault)) != 8:
            raise ValueError("a vault without keys")
        # The same key as the new one and as the old one would be destroyed as the old one.
        if len({slot.id for slot in self.slots}) != len(self.slots):
            raise ValueError("a key that is listed twice")
        if self.slots[0].where == WRAPPED:
            raise ValueError("a key that is under itself")

    @property
    def plain(self) -> bool:
        """Whether what is written isn't encrypted."""
        return self.slots[0].where == PLAIN


def read_lock(disk: Disk) -> Lock | None:
    """The lock of a vault, None if it has none yet; the copy's, if the file is damaged.

    Raises:
        ProfileError: both are damaged.
    """
    problem = ""
    for copy in (False, True):
        try:
            data = disk.read(FILE_NAME, copy)
        except ProfileError as error:  # a folder, a pipe, a link: the copy may be sound
            problem = str(error)
            continue
        if data is None:
            continue
        try:
            lock = _parse(data)
        except (ValueError, KeyError, TypeError, RecursionError, ConfigError):
            problem = f"{FILE_NAME} is damaged"
            continue
        if problem:
            _log.warning("%s in %s; its copy is used", problem, disk.path)
        return lock
    if problem:
        raise ProfileError(
            f"{problem}, and so is its copy, in {str(disk.path)!r}: restore it from a backup"
        )
    return None


def is_pending(lock: Lock) -> bool:
    """Whether a change of key was asked for, or stopped in the middle."""
    return lock.rotate or bool(lock.erased) or len(lock.slots) > 1


def write_lock(disk: Disk, lock: Lock) -> None:
    """Write `vault.json` and its copy, both for certain.

    Raises:
        OSError: one of them can't be written.
    """
    fields = _fields(lock)
    record = {
        "format": _FORMAT,
        "version": _VERSION,
        "lock": fields,
        "sha256": _digest(_VERSION, fields),
    }
    data = _spelled(record)
    disk.write(FILE_NAME, data)
    disk.write_copy(FILE_NAME, data)


def _fields(lock: Lock) -> dict[str, Any]:
    """As it is stored; while nothing is to be erased, in the form of older versions."""
    fields = asdict(lock)
    if not lock.erased:
        del fields["erased"]
    return fields


def encrypted_part(lock: Lock) -> Lock | None:
    """The lock less its `plain` slots; None if nothing is left."""
    slots = tuple(s for s in lock.slots if s.where != PLAIN)
    return dataclasses.replace(lock, slots=slots) if slots else None


def _digest(version: int, fields: object) -> str:
    # Distinguishes damage from a wrong passphrase; protection against attackers is the ciphers'.
    return hashlib.sha256(json.dumps([version, fields], sort_keys=True).encode()).hexdigest()


def _spelled(record: object) -> bytes:
    return (json.dumps(record, indent=1, sort_keys=True) + "\n").encode()


def _parse(data: bytes) -> Lock:
    record = json.loads(data)
    version, fields = record["version"], record["lock"]
    if record["format"] != _FORMAT or record["sha256"] != _digest(version, fields):
        raise ValueError("changed")  # a damaged version, too: the copy may be sound
    if version > _VERSION:
        raise ProfileError("the profiles were written by a newer voicelet; update this one")
    if _spelled(record) != data or len(record) != _RECORD_KEYS:
        raise ValueError("not spelled as it was written")
    return from_mapping(Lock, fields)
