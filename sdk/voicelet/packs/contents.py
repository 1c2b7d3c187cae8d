"""The files of a pack on their way: read from a folder or an archive, listed, hashed, signed.

An archive (`.pack`) is a zip file of a pack's files, `manifest.json`, which lists them with their
SHA-256, and `manifest.sig`, as in a voice bundle but signed as a pack.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voicelet.bundle.archive import ZIP_FAILURES
from voicelet.bundle.integrity import check_hash, check_length, sign, verify_signature
from voicelet.bundle.manifest import BundleFile
from voicelet.config import from_mapping, to_mapping, unique_keys
from voicelet.errors import BundleError, ConfigError, PackError
from voicelet.files import atomic_file, read_regular

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SUFFIX = ".pack"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
FORMAT = 1
CONTEXT = "voicelet-pack-1"
"""What a signature of a pack is of, so that one of a bundle is none."""

MAX_PACK_BYTES = 16 << 20
MAX_FILES = 400
_MAX_FILE_BYTES = 8 << 20
_MAX_MANIFEST_BYTES = 1 << 18
_NAME = re.compile(
    r"(?:[A-Za-z0-9][A-Za-z0-9_-]{0,60}\.(?:json|tsv|rbnf|bin|weights|onnx|md|txt|LICENSE)"
    r"|tables/[a-z][a-z0-9_]{0,39}\.tsv)"
)
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class PackManifest:
    """What a pack on its way holds.

    Attributes:
        format: :data:`FORMAT`.
        language: BCP 47 tag.
        version: of the pack, by its makers.
        files: with their hashes; paths inside the pack.
    """

    format: int
    language: str
    version: str
    files: tuple[BundleFile, ...]

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(
                f"format {self.format}: this voicelet reads format {FORMAT}; update voicelet"
            )
        if not _TAG.fullmatch(self.language) or len(self.version) > 60:
            raise ValueError(f"{self.language[:40]!r} is no language, or the version is too long")
        names = [file.file for file in self.files]
        if len(set(names)) != len(names) or len(names) > MAX_FILES:
            raise ValueError(f"a file is listed twice, or there are over {MAX_FILES}")
        if any(not _NAME.fullmatch(name) or name == MANIFEST for name in names):
            raise ValueError("it lists a file that no pack has")


@dataclass(frozen=True)
class PackContents:
    """A pack, all of it read and compared with its manifest.

    Attributes:
        manifest: its list of files.
        files: path inside the pack → bytes.
        raw_manifest: as it was signed.
        signature: contents of manifest.sig; None where it isn't signed.
        signed_by: the signer's public key (hexadecimal).
    """

    manifest: PackManifest
    files: Mapping[str, bytes]
    raw_manifest: bytes
    signature: bytes | None = None
    signed_by: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, and so of all of the pack."""
        return hashlib.sha256(self.raw_manifest).hexdigest()

    @property
    def tag(self) -> str:
        """The name of its folder."""
        return self.manifest.language.lower()


def read_pack(path: Path) -> PackContents:
    """Read a pack's folder or archive; without a manifest in it, one is made, unsigned.

    Raises:
        PackError: it isn't a pack, is too large, or differs from its manifest or signature.
    """
    try:
        files = _of_folder(path) if path.is_dir() else _of_archive(path)
        return _checked(files, str(path))
    except BundleError as error:
        raise PackError(str(error)) from None
    except OSError as error:
        raise PackError(f"{path} can't be read: {error.strerror or error}") from None


def write_archive(
    folder: Path, out: Path, version: str = "1", key: Ed25519PrivateKey | None = None
) -> PackContents:
    """Write a pack's folder as an archive; the same pack always gives the same bytes.

    Args:
        out: the `.pack` file.
        version: of the pack.
        key: signs it.

    Raises:
        PackError: the folder isn't a pack, or the archive can't be written.
    """
    files = _of_folder(folder)
    for name in (MANIFEST, SIGNATURE):
        files.pop(name, None)
    raw = _manifest_bytes(files, version, str(folder))
    every = {MANIFEST: raw}
    if key is not None:
        every[SIGNATURE] = sign(raw, key, CONTEXT)
    try:
        with (
            atomic_file(out) as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        ):
            for name, content in {**every, **dict(sorted(files.items()))}.items():
                info = zipfile.ZipInfo(name, _EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = 0o644 << 16
                archive.writestr(info, content)
    except OSError as error:
        raise PackError(f"{out} can't be written: {error.strerror or error}") from None
    return read_pack(out)


def _of_folder(folder: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name != SIGNATURE and not _NAME.fullmatch(name):
            continue
        if not stat.S_ISREG(path.lstat().st_mode):
            raise PackError(f"{path}: a pack holds files, not links or pipes; replace it by a file")
        files[name] = read_regular(path, _MAX_FILE_BYTES)
        _refuse_size(files, str(folder))
    return files


def _of_archive(archive: Path) -> dict[str, bytes]:
    if archive.stat().st_size > MAX_PACK_BYTES:
        raise PackError(f"{archive}: larger than {MAX_PACK_BYTES >> 20} MiB; not a pack")
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(archive) as source:
            entries = source.infolist()
            if len(entries) > MAX_FILES + 2 or len({e.filename for e in entries}) != len(entries):
                raise PackError(f"{archive}: too many files, or one twice; fetch the pack again")
            for entry in entries:
                if entry.filename != SIGNATURE and not _NAME.fullmatch(entry.filename):
                    raise PackError(f"{archive}: holds {entry.filename[:60]!r}, which no pack has")
                with source.open(entry) as stream:
                    files[entry.filename] = stream.read(_MAX_FILE_BYTES + 1)
                _refuse_size(files, str(archive))
    except ZIP_FAILURES as error:
        raise PackError(f"{archive}: not a pack ({error}); give a .pack file or a folder") from None
    return files


def _refuse_size(files: Mapping[str, bytes], where: str) -> None:
    sizes = [len(content) for content in files.values()]
    if sum(sizes) > MAX_PACK_BYTES or max(sizes) > _MAX_FILE_BYTES or len(sizes) > MAX_FILES + 2:
        raise PackError(
            f"{where}: a pack has at most {MAX_FILES} files, of {_MAX_FILE_BYTES >> 20} MiB each"
            f" and {MAX_PACK_BYTES >> 20} MiB in all"
        )


def _manifest_bytes(files: Mapping[str, bytes], version: str, where: str) -> bytes:
    if "pack.json" not in files:
        raise PackError(f"{where}: there is no pack.json in it; give a language pack")
    try:
        language = json.loads(files["pack.json"].decode("utf-8"))["language"]
        manifest = PackManifest(
            FORMAT,
            str(language),
            version,
            tuple(
                BundleFile(name, hashlib.sha256(content).hexdigest(), len(content))
                for name, content in sorted(files.items())
            ),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PackError(f"{where}: pack.json names no language, or ({error})") from None
    text = json.dumps(to_mapping(manifest), sort_keys=True, indent=2, ensure_ascii=False)
    return f"{text}\n".encode()


def _checked(files: dict[str, bytes], where: str) -> PackContents:
    raw, signature = files.pop(MANIFEST, None), files.pop(SIGNATURE, None)
    if raw is None:
        raw, signature = _manifest_bytes(files, "", where), None
    manifest = _parse(raw, f"{where}, {MANIFEST}")
    signed_by = verify_signature(raw, signature, where=f"{where}, {SIGNATURE}", context=CONTEXT)
    listed = {file.file: file for file in manifest.files}
    if listed.keys() != files.keys():
        odd = sorted(listed.keys() ^ files.keys())
        raise PackError(f"{where}: {odd[0]} is missing or not listed; fetch the pack again")
    for name, content in files.items():
        check_length(listed[name], len(content), f"{where}, {name}")
        check_hash(listed[name], hashlib.sha256(content).hexdigest(), f"{where}, {name}")
    return PackContents(manifest, files, raw, signature, signed_by)


def _parse(raw: bytes, where: str) -> PackManifest:
    if len(raw) > _MAX_MANIFEST_BYTES:
        raise PackError(f"{where}: too large; not a pack's")
    try:
        data = json.loads(raw.decode("utf-8"), object_pairs_hook=unique_keys)
        if not isinstance(data, dict):
            raise ValueError("not an object")
        manifest: PackManifest = from_mapping(PackManifest, data, where)
    except (ValueError, RecursionError, ConfigError) as error:
        raise PackError(f"{where}: not a pack's list of files ({error})") from None
    return manifest


def trusted_signer(signed_by: str | None, keys: Iterable[str]) -> bool:
    """Whether one of the keys signed it."""
    return signed_by is not None and signed_by in set(keys)
