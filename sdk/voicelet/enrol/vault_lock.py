"""The keys of a vault: which there are, where each is kept, and how to get it.

`vault.json` lists them: the first encrypts what is written; others are there only while a rotation
is under way.  A key (32 random bytes) is kept

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

from voicelet.config import from_mapping
from voicelet.enrol.vault_disk import Disk
from voicelet.errors import ConfigError, ProfileError
from voicelet.trust import keystore

FILE_NAME = "vault.json"
AUTO, PASSPHRASE, PLAIN, WRAPPED = "auto", "passphrase", "plain", "wrapped"
KEYSTORE, FILE = keystore.KEYSTORE, keystore.FILE
PROTECTIONS = (KEYSTORE, FILE, PASSPHRASE, PLAIN)
_FORMAT, _VERSION = "voicelet vault", 1
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stretch:
    """Settings of scrypt: 32 MiB, three passes, about a quarter of a second on a desktop core."""

    salt: str
    n: int = 1 << 15
    r: int = 8
    p: int = 3

    def __post_init__(self) -> None:
        # A changed file must not make us take all memory.
        if self.n not in {1 << i for i in range(14, 21)} or self.r != 8 or not 0 < self.p <= 16:
            raise ValueError("impossible settings of scrypt")
        if len(bytes.fromhex(self.salt)) < 16:
            raise ValueError("a salt that is too short")


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
    """

    vault: str
    slots: tuple[Slot, ...]
    rotate: bool = False

    def __post_init__(self) -> None:
        if not self.slots or len(bytes.fromhex(self.vault)) != 8:
            raise ValueError("a vault without keys")

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
        data = disk.read(FILE_NAME, copy)
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


def write_lock(disk: Disk, lock: Lock) -> None:
    """Write `vault.json` and its copy, both for certain.

    Raises:
        OSError: one of them can't be written.
    """
    told = asdict(lock)
    record = {
        "format": _FORMAT,
        "version": _VERSION,
        "lock": told,
        "sha256": _digest(_VERSION, told),
    }
    data = (json.dumps(record, indent=1, sort_keys=True) + "\n").encode()
    disk.write(FILE_NAME, data)
    disk.write_copy(FILE_NAME, data)


def encrypted_part(lock: Lock) -> Lock | None:
    """The lock less its `plain` slots; None if nothing is left."""
    slots = tuple(s for s in lock.slots if s.where != PLAIN)
    return dataclasses.replace(lock, slots=slots) if slots else None


def _digest(version: int, told: object) -> str:
    # Tells damage from a wrong passphrase; it's the ciphers that guard against people.
    return hashlib.sha256(json.dumps([version, told], sort_keys=True).encode()).hexdigest()


def _parse(data: bytes) -> Lock:
    record = json.loads(data)
    version, told = record["version"], record["lock"]
    if record["format"] != _FORMAT or record["sha256"] != _digest(version, told):
        raise ValueError("changed")  # a damaged version, too: the copy may be sound
    if version > _VERSION:
        raise ProfileError("the profiles were written by a newer voicelet; update this one")
    return from_mapping(Lock, told)
