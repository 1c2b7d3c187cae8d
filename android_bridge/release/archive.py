"""Zip files with the same bytes whenever the same files go in, laid out as Android maps them.

Android maps a library or an asset straight from the APK if it is stored, not compressed: libraries
have to begin at a page of memory, 16 KiB on newer phones, and everything else at 4 bytes.
"""

from __future__ import annotations

import itertools
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PAGE_BYTES = 16 * 1024
WORD_BYTES = 4

# What Android's own tools pad with, so that signing keeps it: an identifier, the length of the
# rest, the alignment, zeros.
_ALIGNMENT_FIELD = 0xD935
_FIELD_HEADER_BYTES = 6
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
# The earliest moment that a zip file can name.
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644 << 16


class PackingError(ValueError):
    """An archive, or what goes into one, isn't as it has to be; the message says what to do."""


@dataclass(frozen=True)
class Entry:
    """One file of an archive.

    Args:
        name: its path in the archive, relative, with forward slashes.
        content: its bytes.
        stored: True to leave it uncompressed, so that it can be mapped where it lies.
    """

    name: str
    content: bytes
    stored: bool = False


def alignment_bytes(name: str) -> int:
    """What a stored file called `name` has to begin at a multiple of, in bytes."""
    return PAGE_BYTES if name.endswith(".so") else WORD_BYTES


def write_archive(path: Path, entries: Iterable[Entry]) -> None:
    """Write entries in the order of their names, with one timestamp and stored ones aligned.

    Raises:
        PackingError: a name comes twice, is absolute, or leads out of the archive.
    """
    ordered = sorted(entries, key=lambda entry: entry.name)
    _check_names([entry.name for entry in ordered])
    with zipfile.ZipFile(path, "w") as archive:
        for entry in ordered:
            info = zipfile.ZipInfo(entry.name, _TIMESTAMP)
            info.create_system = 3
            info.external_attr = _PLAIN_FILE
            info.compress_type = zipfile.ZIP_STORED if entry.stored else zipfile.ZIP_DEFLATED
            if entry.stored:
                info.extra = _padding(archive.start_dir, entry.name)
            archive.writestr(info, entry.content, compresslevel=9)


def misaligned(path: Path) -> list[str]:
    """Names of the stored files that don't begin where Android needs them to."""
    wrong = []
    with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
        for info in archive.infolist():
            if info.compress_type != zipfile.ZIP_STORED or info.is_dir():
                continue
            raw.seek(info.header_offset)
            fields = _LOCAL_HEADER.unpack(raw.read(_LOCAL_HEADER.size))
            begin = info.header_offset + _LOCAL_HEADER.size + fields[9] + fields[10]
            if begin % alignment_bytes(info.filename):
                wrong.append(info.filename)
    return wrong


def _padding(header_offset: int, name: str) -> bytes:
    alignment = alignment_bytes(name)
    begin = header_offset + _LOCAL_HEADER.size + len(name.encode()) + _FIELD_HEADER_BYTES
    zeros = -begin % alignment
    return struct.pack("<3H", _ALIGNMENT_FIELD, 2 + zeros, alignment) + bytes(zeros)


def _check_names(names: list[str]) -> None:
    for first, second in itertools.pairwise(names):
        if first == second:
            raise PackingError(f"{first} is in the archive twice; leave one of the two out")
    for name in names:
        parts = name.split("/")
        if "\\" in name or any(part in ("", ".", "..") for part in parts):
            raise PackingError(
                f"{name!r} isn't a path inside an archive; name it relative to its root"
            )
