"""What is kept of the list of withdrawn consents apart from it, so that its loss is noticed.

Beside the keys of the device: the list's state (how many lines, and the hash of the last), twice,
and a copy of the list.  In the system's keystore, where the device's key is in one: the state once
more, which no copy of the disk puts back.  In the audit log: every withdrawal.  And in the index of
each encrypted vault (`voicelet.profiles.vault`): the state, and the ids.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from voicelet.config import from_mapping
from voicelet.errors import AuditError, ConfigError, ConsentError, SealError
from voicelet.files import data_dir, open_own, read_own
from voicelet.trust.consent.chain import MAX_BYTES, Anchor, Chain, is_id
from voicelet.trust.keys import keystore
from voicelet.trust.keys.device_key import device_public_key, signing_key_place

_MAX_BYTES = 4096
_MAX_AUDIT_BYTES = 64 << 20  # of one file; they are continued at 4 MB
_OVERLAP_BYTES = 1 << 16  # read again: a batch may have been half written
_POSITION = re.compile(r"([0-9a-f]{16}):(\d{1,6}):(\d{1,15})")
_log = logging.getLogger(__name__)


class AnchorStore:
    """The states kept apart from one list.

    Args:
        path: of the list.
    """

    def __init__(self, path: Path) -> None:
        digest = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]
        # The device's own is found again when its folder has moved.
        is_own = path == data_dir() / "consent" / "revoked.jsonl"
        stem = "revocations" if is_own else f"revocations-{digest}"
        self._entry = f"revocations-{digest}"
        folder = keystore.keys_folder()
        self.head = folder / f"{stem}.json"
        self._head_copy = folder / f"{stem}.json.copy"
        self._list_copy = folder / f"{stem}.jsonl"

    def read(self) -> tuple[list[Anchor], str]:
        """The states in the two files, those that are sound, and how far the audit log was read.

        Raises:
            ConsentError: there are some, and none is sound.
        """
        found, position, damaged = [], "", False
        for path in (self.head, self._head_copy):
            try:
                raw = keystore.read_file(path)
                if raw is not None:
                    anchor, position = _parse(raw)
                    found.append(anchor)
            except (SealError, ConfigError, ValueError, KeyError, TypeError, RecursionError):
                damaged = True
        if damaged and not found:
            raise ConsentError(f"{self.head} is damaged, and so is its copy")
        return found, position

    def read_keystore(self) -> Anchor | None:
        """The state in the system's keystore; None where there is none, or it can't be reached."""
        if not _uses_keystore():
            return None
        try:
            raw = keystore.read(self._entry, keystore.KEYSTORE)
            return None if raw is None else _parse(raw)[0]
        except (SealError, ConfigError, ValueError, KeyError, TypeError, RecursionError) as error:
            _log.info("the keystore doesn't say how long the list of revocations is: %s", error)
            return None

    def read_copy(self) -> bytes:
        """The copy of the list; empty where there is none."""
        try:
            return read_own(self._list_copy, MAX_BYTES + 1)
        except OSError:
            return b""

    def write(self, chain: Chain, position: str) -> None:
        """Keep the state of a list that is on the disk already, and a copy of it.

        Raises:
            SealError: it can't be kept.
        """
        state = _spelled(chain.anchor, position)
        # The copy before the state that it is to stand up to; the list itself came first.
        if chain.lines:
            keystore.write_file(self._list_copy, chain.raw)
        for path in (self.head, self._head_copy):
            keystore.write_file(path, state)
        if _uses_keystore():
            keystore.write(self._entry, _spelled(chain.anchor, ""), where=keystore.KEYSTORE)


def read_audit_log(since: str = "") -> tuple[list[str], str]:
    """Ids of the consents whose withdrawal this device's audit log holds, and how far it was read.

    Only what the device signed counts.  A log that is off or can't be read knows of none.

    Args:
        since: how far it was read before.
    """
    from voicelet.trust.audit.device_log import audit_folder, is_on
    from voicelet.trust.audit.record import log_file, numbers

    if not is_on():
        return [], since
    folder, first, size = audit_folder(), 0, 0
    ids: list[str] = []
    try:
        if match := _POSITION.fullmatch(since):
            number = int(match[2])
            if match[1] == _place(folder, log_file(folder, number)):
                first, size = number, int(match[3])
        for number in [n for n in numbers(folder) if n >= first]:
            with open(open_own(log_file(folder, number), os.O_RDONLY), "rb") as file:
                start = max(0, size - _OVERLAP_BYTES) if number == first else 0
                file.seek(start)
                data = file.read(_MAX_AUDIT_BYTES)
            ids += _signed_ids(data)
            place = _place(folder, log_file(folder, number))
            since = f"{place}:{number}:{start + len(data)}"
    except (OSError, SealError) as error:
        _log.info("the audit log doesn't say which consents were withdrawn: %s", error)
    return list(dict.fromkeys(ids)), since


def _place(folder: Path, file: Path) -> str:
    """Which file of which log it is: a log that began anew has the same names, but other lines."""
    try:
        with open(open_own(file, os.O_RDONLY), "rb") as opened:
            begins = opened.readline(_MAX_BYTES)
    except FileNotFoundError:
        begins = b""
    return hashlib.sha256(os.fsencode(folder) + b"\n" + begins).hexdigest()[:16]


def _signed_ids(data: bytes) -> list[str]:
    from voicelet.trust.audit.record import Record

    found = []
    at = data.find(b'"event":"revo')
    while at >= 0:
        start, before = data.rfind(b"\n", 0, at) + 1, ""
        for number, line in enumerate(data[start:].split(b"\n", 10_000)):
            try:
                record = Record.parse(line)
            except AuditError:
                break
            if number == 0:
                consent = record.fields.get("consent")
            elif record.prev != before:
                break  # it was put in between
            before = record.hash()
            if record.sig is not None:  # the last of a batch: it holds for those before it
                if is_id(consent) and record.is_signed_by(device_public_key()):
                    found.append(str(consent))
                break
        at = data.find(b'"event":"revo', at + 1)
    return found


def _uses_keystore() -> bool:
    """Whether this device keeps its secrets in a keystore; nobody else is asked to unlock one."""
    try:
        return signing_key_place() == keystore.KEYSTORE
    except SealError:
        return False


def _spelled(anchor: Anchor, position: str) -> bytes:
    fields: dict[str, Any] = {"version": 1, "state": asdict(anchor), "audit": position}
    text = json.dumps(fields, sort_keys=True)
    return json.dumps({"fields": fields, "sha256": _digest(text)}, sort_keys=True).encode()


def _digest(text: str) -> str:
    # Against damage; whoever can write here could take the file away as well.
    return hashlib.sha256(b"voicelet revocations\n" + text.encode()).hexdigest()


def _parse(raw: bytes) -> tuple[Anchor, str]:
    fields = json.loads(raw.decode("ascii"))["fields"]
    anchor = from_mapping(Anchor, fields["state"])
    position = str(fields["audit"])
    if _spelled(anchor, position) != raw:
        raise ValueError("not spelled as it was written")
    return anchor, position
