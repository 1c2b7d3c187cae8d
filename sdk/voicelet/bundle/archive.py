"""Zipped bundles (`.voicelet`): packed reproducibly, unpacked without trust.

Only what the manifest lists is unpacked, at the length it lists, into a temporary folder that is
renamed once all of it is verified.  So an archive can neither write outside its folder, nor fill
the disk, nor leave half a bundle behind.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from voicelet.bundle.integrity import check_hash, check_length
from voicelet.bundle.manifest import (
    MANIFEST_NAME,
    MAX_BUNDLE_BYTES,
    MAX_MANIFEST_BYTES,
    SIGNATURE_NAME,
    BundleFile,
    parse_manifest,
)
from voicelet.errors import BundleError
from voicelet.files import (
    atomic_file,
    cache_dir,
    data_dir,
    make_private,
    read_regular,
    unfinished,
)

ARCHIVE_SUFFIX = ".voicelet"
_MAX_ENTRIES = 256
_MAX_DIRECTORY_BYTES = 1 << 17
_END = struct.Struct("<4s4H2LH")
_ZIP64_LOCATOR_BYTES = 20
_INCOMING = ".incoming-"
_OUTGOING = ".outgoing-"
_ABANDONED_S = 24 * 3600.0  # unpacking takes seconds
_EPOCH = (1980, 1, 1, 0, 0, 0)
ZIP_FAILURES = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    OverflowError,
    KeyError,
    struct.error,
    zlib.error,
)
"""What zipfile raises on hostile input."""


@contextmanager
def staging(target: Path, *, replace: bool = True) -> Iterator[Path]:
    """Give a temporary folder beside `target`; rename it to `target` when the block succeeds.

    An existing `target` is moved aside first and deleted afterwards; on an error nothing changes.
    With `replace=False` a `target` that another process made in the meantime is kept.

    Raises:
        BundleError: the folder can't be written.
    """
    temporary: Path | None = None
    try:
        if any(own in target.parents for own in (cache_dir(), data_dir())):
            make_private(target.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(target.parent)
        temporary = Path(tempfile.mkdtemp(prefix=_INCOMING, dir=target.parent))
        with unfinished(temporary):
            yield temporary
            temporary.chmod(0o755)
            _publish(temporary, target, replace)
    except OSError as error:
        raise BundleError(
            f"{target}: can't be written ({error.strerror or error}); free some space, or point "
            "XDG_CACHE_HOME and XDG_DATA_HOME at folders that can be written"
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _remove_abandoned(folder: Path) -> None:
    """Remove what processes left that were killed while they unpacked.

    A bundle that was moved aside for one that never came is put back.
    """
    for path in (*folder.glob(f"{_INCOMING}*"), *folder.glob(f"{_OUTGOING}*")):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime <= _ABANDONED_S:
                continue
            if path.name.startswith(_OUTGOING):
                for old in path.iterdir():
                    if not (folder / old.name).exists():
                        os.rename(old, folder / old.name)
            shutil.rmtree(path)


def _publish(temporary: Path, target: Path, replace: bool) -> None:
    if not target.exists():
        try:
            os.rename(temporary, target)
            return
        except OSError:
            if not target.exists():  # else another process was faster
                raise
    if not replace:
        return
    aside = Path(tempfile.mkdtemp(prefix=_OUTGOING, dir=target.parent))
    try:
        os.rename(target, aside / target.name)
        try:
            os.rename(temporary, target)
        except OSError:
            os.rename(aside / target.name, target)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def pack(folder: Path, archive: Path) -> Path:
    """Zip the bundle in `folder`; the same bundle always gives the same bytes.

    Returns:
        `archive`.

    Raises:
        BundleError: `folder` isn't a bundle, or `archive` can't be written.
    """
    raw = read_regular(folder / MANIFEST_NAME, MAX_BUNDLE_BYTES)
    names = [MANIFEST_NAME, *(f.file for f in parse_manifest(raw, str(folder)).files())]
    if (folder / SIGNATURE_NAME).exists():
        names.insert(1, SIGNATURE_NAME)
    try:
        with (
            atomic_file(archive) as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out,
        ):
            for name in names:
                info = zipfile.ZipInfo(name, _EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = 0o644 << 16
                out.writestr(info, read_regular(folder / name, MAX_BUNDLE_BYTES))
    except OSError as error:
        raise BundleError(f"{archive}: can't be written ({error.strerror or error})") from error
    return archive


def unpack(archive: Path, folder: Path) -> None:
    """Write the bundle in `archive` into the existing, empty `folder`, verified file by file.

    Raises:
        BundleError: not a bundle archive (subclasses as in `integrity`).
        OSError: `folder` can't be written.
    """
    _refuse_odd_directory(archive)
    try:
        with zipfile.ZipFile(archive) as source:
            entries = {i.filename: i for i in source.infolist()}
            if len(entries) != len(source.infolist()):
                raise BundleError(f"{archive}: a name appears twice; fetch the bundle again")
            # zipfile would seek to a place before the file's start: an OSError, as of a bad disk.
            if any(entry.header_offset < 0 for entry in entries.values()):
                raise BundleError(f"{archive}: a damaged bundle archive; fetch the bundle again")
            if MANIFEST_NAME not in entries:
                raise BundleError(
                    f"{archive}: holds no {MANIFEST_NAME}; a bundle has it at the top level"
                )
            raw = _read_small(source, entries[MANIFEST_NAME], archive)
            manifest = parse_manifest(raw, f"{archive}/{MANIFEST_NAME}")
            (folder / MANIFEST_NAME).write_bytes(raw)
            if SIGNATURE_NAME in entries:
                signature = _read_small(source, entries[SIGNATURE_NAME], archive)
                (folder / SIGNATURE_NAME).write_bytes(signature)
            for file in manifest.files():
                if file.file not in entries:
                    raise BundleError(f"{archive}: lacks {file.file}; fetch the bundle again")
                check_length(file, entries[file.file].file_size, f"{archive}/{file.file}")
                with source.open(entries[file.file]) as stream:
                    _copy(stream, file, folder / file.file, f"{archive}/{file.file}")
    except BundleError:
        raise
    except ZIP_FAILURES as error:
        raise BundleError(
            f"{archive}: a damaged bundle archive ({error}); fetch the bundle again"
        ) from None


def _refuse_odd_directory(archive: Path) -> None:
    # zipfile reads the whole directory before anything can be asked of it; a directory of millions
    # of entries would take minutes and gigabytes.  Bundles have no archive comment and no zip64.
    try:
        size = archive.stat().st_size
        with open(archive, "rb") as file:
            file.seek(max(0, size - _END.size - _ZIP64_LOCATOR_BYTES))
            tail = file.read(_END.size + _ZIP64_LOCATOR_BYTES)
    except OSError as error:
        raise BundleError(f"{archive}: {error.strerror or error}") from None
    if size > MAX_BUNDLE_BYTES:
        raise BundleError(f"{archive}: larger than {MAX_BUNDLE_BYTES >> 20} MB; not a bundle")
    before, end = tail[: -_END.size], tail[-_END.size :]
    if len(end) < _END.size or not end.startswith(b"PK\x05\x06"):
        raise BundleError(f"{archive}: not a bundle archive, or a truncated one; fetch it again")
    _, _, _, _, count, directory_bytes, _, comment = _END.unpack(end)
    is_zip64 = before.startswith(b"PK\x06\x07")  # its numbers go before those read here
    if count > _MAX_ENTRIES or directory_bytes > _MAX_DIRECTORY_BYTES or comment or is_zip64:
        raise BundleError(f"{archive}: its directory isn't that of a bundle; fetch it again")


def _read_small(source: zipfile.ZipFile, entry: zipfile.ZipInfo, archive: Path) -> bytes:
    with source.open(entry) as stream:
        raw = stream.read(MAX_MANIFEST_BYTES + 1)
    if len(raw) > MAX_MANIFEST_BYTES:
        raise BundleError(f"{archive}: {entry.filename} is too large; not a bundle")
    return raw


def _copy(stream: IO[bytes], file: BundleFile, target: Path, where: str) -> None:
    digest = hashlib.sha256()
    remaining = file.bytes
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "xb") as output:
        while remaining and (block := stream.read(min(remaining, 1 << 18))):
            digest.update(block)
            output.write(block)
            remaining -= len(block)
    check_length(file, file.bytes - remaining, where)
    check_hash(file, digest.hexdigest(), where)
