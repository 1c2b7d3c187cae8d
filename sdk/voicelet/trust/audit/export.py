"""The audit log, sealed for one recipient, who can open and verify it on another machine.

The sealed message holds one line of JSON (format, the device's public key, names and sizes of
files) and then the files themselves, byte for byte, so that the chain and every signature can be
checked there as here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from voicelet.config import from_mapping, to_mapping
from voicelet.errors import AuditError, ConfigError
from voicelet.files import atomic_file, file_lock, make_private, read_own
from voicelet.trust.audit.log import AuditLog
from voicelet.trust.audit.record import FILE_NAME, log_file, numbers
from voicelet.trust.keys.seal import SealingKey, from_hex, open_sealed, seal

INFO = b"voicelet-audit-export-1"
HEAD_NAME = "head.json"
_FORMAT = "voicelet-audit-export-1"
_MAX_HEADER = 1 << 20


@dataclass(frozen=True)
class _Header:
    format: str
    public_key: str
    files: tuple[tuple[str, int], ...]


def export_log(log: AuditLog, recipient: bytes) -> bytes:
    """All files and the head of a log, sealed.

    Args:
        recipient: a public sealing key (`voicelet.trust.keys.seal`).

    Raises:
        AuditError: there is no log, or it can't be read.
        SealError: the key is no public sealing key.
    """
    log.head()  # says so if there is none
    try:
        with file_lock(log.path / ".lock"):
            paths = [log_file(log.path, n) for n in numbers(log.path)]
            parts = [(p.name, read_own(p)) for p in paths]
            parts.append((HEAD_NAME, read_own(log.head_path)))
    except OSError as error:
        raise AuditError(f"can't read the audit log in {str(log.path)!r}: {error}") from error
    header = _Header(_FORMAT, log.public_key.hex(), tuple((n, len(d)) for n, d in parts))
    return seal(recipient, _spelled(header) + b"\n" + b"".join(d for _, d in parts), info=INFO)


def _spelled(header: _Header) -> bytes:
    return json.dumps(to_mapping(header), separators=(",", ":")).encode()


def open_export(data: bytes, key: SealingKey, folder: Path) -> AuditLog:
    """Unpack an exported log into `folder`, made for it, and return it ready to be verified.

    The public key in it is the sender's word; compare it with what is known of the device.

    Raises:
        SealError: it wasn't sealed with this key, or was changed.
        AuditError: it holds no log, or the folder can't be written or isn't empty.
    """
    head, _, body = open_sealed(key, data, info=INFO).partition(b"\n")
    try:
        if len(head) > _MAX_HEADER:
            raise ValueError("too long")
        header = from_mapping(_Header, json.loads(head), "the header")
        public = from_hex(header.public_key, 32)
        sizes = [size for _, size in header.files]
        names = [name for name, _ in header.files]
        fits = header.format == _FORMAT and _spelled(header) == head and min(sizes, default=0) >= 0
        fits = fits and sum(sizes) == len(body) and len(set(names)) == len(names)
        fits = fits and all(n == HEAD_NAME or FILE_NAME.fullmatch(n) for n in names)
        if not fits:
            raise ValueError("values that can't be")
    except (ValueError, ConfigError, RecursionError) as error:
        raise AuditError(f"this is no exported audit log ({error})") from None
    try:
        make_private(folder)
        if any(folder.iterdir()):
            raise AuditError(f"{str(folder)!r} isn't empty; name a new folder")
        at = 0
        for name, size in header.files:
            with atomic_file(folder / name, 0o600) as file:
                file.write(body[at : at + size])
            at += size
    except OSError as error:
        raise AuditError(f"can't write to {str(folder)!r}: {error}") from error
    return AuditLog(folder, public)
