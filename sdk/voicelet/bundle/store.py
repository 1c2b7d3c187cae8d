"""Finding, opening and installing bundles.

A bundle is opened whole or not at all: manifest, signature and every hash are checked before the
caller gets a :class:`Bundle`.  Whether it may then be used is a question of who vouches for it
(`voicelet.bundle.trust`).
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from voicelet.bundle.archive import ARCHIVE_SUFFIX, staging, unpack
from voicelet.bundle.integrity import check_hash, check_length, verify_file, verify_signature
from voicelet.bundle.manifest import (
    MANIFEST_NAME,
    MAX_BUNDLE_BYTES,
    MAX_MANIFEST_BYTES,
    SIGNATURE_NAME,
    GraphFile,
    GraphSpec,
    Manifest,
    canonical_bytes,
    parse_manifest,
)
from voicelet.bundle.trust import vouching, warn_once
from voicelet.config import did_you_mean
from voicelet.errors import BundleError, BundleUnsignedError, EngineError
from voicelet.files import cache_dir, data_dir, embedded_bundle, read_regular

logger = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


_VOUCHER = "_trusted_by"


@dataclass(frozen=True)
class Bundle:
    """A verified bundle.

    Attributes:
        root: its folder.
        manifest: what it holds.
        signed_by: the signer's public key (hexadecimal), None if it isn't signed.
    """

    root: Path
    manifest: Manifest
    signed_by: str | None = None

    @property
    def trusted_by(self) -> str | None:
        """Who vouches for it: "package", "key", "import" or "caller" (`voicelet.bundle.trust`).

        None if nobody does, and then it can be looked at, but neither speaks nor enrols.  It is
        found out where the bundle is opened; one that is put together by hand, or is made of
        another by `dataclasses.replace`, has nobody.
        """
        voucher: str | None = self.__dict__.get(_VOUCHER)
        return voucher

    def require_trust(self) -> None:
        """Raise unless somebody vouches for it; warn where only the caller does.

        Raises:
            BundleUnsignedError: nobody does.
        """
        if self.trusted_by is None:
            key = self.signed_by
            who = f"{key}, a key that isn't trusted here" if key else "nobody"
            known = (
                f"pin their key if you know them (voicelet voices --trust-key {key})"
                if key
                else "get it signed by its makers"
            )
            raise BundleUnsignedError(
                f"the bundle {self.manifest.name!r} is signed by "
                f"{who}, and could speak as anybody; {known}, or say that you vouch for it:"
                " --trust-bundle, trust_bundle=True"
            )
        if self.trusted_by == "caller":
            digest = hashlib.sha256(canonical_bytes(self.manifest)).hexdigest()
            warn_once(self.manifest.name, digest, self.signed_by)

    def graph(self, role: str) -> GraphSpec:
        """Return the description of a graph.

        Raises:
            BundleError: the bundle has no such graph.
        """
        graphs = self.manifest.graphs
        if role not in graphs:
            raise BundleError(
                f"bundle {self.manifest.name!r} has no graph {role!r}{did_you_mean(role, graphs)}"
            )
        return graphs[role]

    def graph_path(self, role: str, engines: Iterable[str] = ("onnx",)) -> tuple[Path, GraphFile]:
        """Return the file of a graph for the first of `engines` that the bundle serves.

        Raises:
            BundleError: the bundle has no such graph.
            EngineError: it has the graph, but not for these engines.
        """
        spec = self.graph(role)
        names = list(engines)
        for engine in names:
            if (graph_file := spec.for_engine(engine)) is not None:
                return self.root / graph_file.file, graph_file
        has = ", ".join(a.engine for a in spec.alternatives)
        raise EngineError(
            f"graph {role!r} of bundle {self.manifest.name!r} comes for {has}, not for "
            f"{', '.join(names)}; use a bundle exported for this engine"
        )

    def data_path(self, role: str) -> Path:
        """Return the path of a data file.

        Raises:
            BundleError: the bundle has no such file.
        """
        data = self.manifest.data
        if role not in data:
            raise BundleError(
                f"bundle {self.manifest.name!r} has no data {role!r}{did_you_mean(role, data)}"
            )
        return self.root / data[role].file


def vouched(bundle: Bundle, by: str | None) -> Bundle:
    """The bundle, with who vouches for it; only for code that has found that out."""
    known = Bundle(bundle.root, bundle.manifest, bundle.signed_by)
    known.__dict__[_VOUCHER] = by
    return known


def read_data(bundle: Bundle, role: str, limit: int = MAX_BUNDLE_BYTES) -> bytes:
    """The bytes of a bundle's data file, once more compared with the manifest.

    What was checked when the bundle was opened may have been changed since; what is read here
    can't change any more.

    Args:
        limit: bytes that such a file may have.

    Raises:
        BundleError: the bundle has no such file, or it can't be read.
        BundleTruncatedError, BundleTamperedError: as :func:`voicelet.bundle.integrity.verify_file`.
    """
    path, listed = bundle.data_path(role), bundle.manifest.data[role]
    raw = read_regular(path, limit)
    check_length(listed, len(raw), str(path))
    check_hash(listed, hashlib.sha256(raw).hexdigest(), str(path))
    return raw


def open_bundle(
    path: str | Path | None = None,
    *,
    trusted_keys: Iterable[str] = (),
    require_signature: bool = False,
    trust_bundle: bool = False,
) -> Bundle:
    """Open and verify a bundle.

    Args:
        path: a folder, a `.voicelet` archive (unpacked once into the cache), the name of an
            installed bundle, or None for the one inside the package.
        trusted_keys, require_signature: see :func:`voicelet.bundle.integrity.verify_signature`.
        trust_bundle: you vouch for it, though no key that is trusted signed it: you made it, or
            know who did.

    Raises:
        BundleVersionError: made for a newer voicelet.
        BundleTamperedError, BundleTruncatedError: not what its manifest or signature says.
        BundleUnsignedError: no signature where one is required.
        BundleError: not found, or not a bundle.
    """
    keys = tuple(trusted_keys)
    location = locate(path)
    if location.is_dir():
        return _open_folder(location, keys, require_signature, trust_bundle)
    folder = cache_dir() / "bundles" / _hash_archive(location)
    if folder.is_dir():
        try:
            return _open_folder(folder, keys, require_signature, trust_bundle)
        except BundleError as error:
            # Either the cache is damaged, which unpacking mends, or the archive is refused again.
            logger.info("unpacking %s again: %s", location, error)
            shutil.rmtree(folder, ignore_errors=True)
    with staging(folder, replace=False) as temporary:
        unpack(location, temporary)
        _open_folder(temporary, keys, require_signature)
    return _open_folder(folder, keys, require_signature, trust_bundle)


def locate(path: str | Path | None) -> Path:
    """Return the folder or archive that `path` means (see :func:`open_bundle`).

    Raises:
        BundleError: there is nothing there.
    """
    if path is None:
        folder = embedded_bundle()
        if not (folder / MANIFEST_NAME).is_file():
            raise BundleError(
                "this installation holds no default voice; reinstall voicelet or name a bundle"
            )
        return folder
    try:
        candidate = Path(path)
        if candidate.exists():
            return candidate
    except (OSError, ValueError) as error:  # a NUL, or a name too long for the file system
        raise BundleError(f"{path!r} can't be the path of a bundle ({error})") from None
    if _NAME.fullmatch(str(path)) and (data_dir() / "bundles" / str(path)).is_dir():
        return data_dir() / "bundles" / str(path)
    names = [b.name for b in installed()]
    raise BundleError(
        f"{path}: no such bundle{did_you_mean(str(path), names)}; give a folder, a "
        f"{ARCHIVE_SUFFIX} file or the name of an installed bundle"
    )


def install(
    path: str | Path,
    name: str | None = None,
    *,
    trusted_keys: Iterable[str] = (),
    require_signature: bool = False,
) -> Bundle:
    """Copy a bundle into the data folder under `name` (its own by default), verified, atomically.

    A bundle of that name is replaced; on an error it stays as it was.

    Raises:
        BundleError: as :func:`open_bundle`, or the name can't be that of a folder.
    """
    keys = tuple(trusted_keys)
    source = open_bundle(path, trusted_keys=keys, require_signature=require_signature)
    bundle_name = name or source.manifest.name
    if not _NAME.fullmatch(bundle_name):
        raise BundleError(
            f"{bundle_name!r} can't be the name of a bundle; use letters, digits, dots, - and _"
        )
    target = data_dir() / "bundles" / bundle_name
    with staging(target) as temporary:
        for file in (MANIFEST_NAME, SIGNATURE_NAME, *(f.file for f in source.manifest.files())):
            if file == SIGNATURE_NAME and not (source.root / file).exists():
                continue
            (temporary / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.root / file, temporary / file)
        _open_folder(temporary, keys, require_signature)
    return _open_folder(target, keys, require_signature)


def installed() -> list[Path]:
    """Folders of the installed bundles, by name."""
    try:
        folders = sorted((data_dir() / "bundles").iterdir())
    except OSError:
        return []
    return [f for f in folders if _NAME.fullmatch(f.name) and (f / MANIFEST_NAME).is_file()]


def _open_folder(
    root: Path,
    trusted_keys: tuple[str, ...],
    require_signature: bool,
    trust_bundle: bool = False,
) -> Bundle:
    raw = read_regular(root / MANIFEST_NAME, MAX_MANIFEST_BYTES)
    signature_path = root / SIGNATURE_NAME
    signature = read_regular(signature_path, 1 << 16) if signature_path.exists() else None
    signed_by = verify_signature(
        raw,
        signature,
        trusted_keys=trusted_keys,
        require_signature=require_signature,
        where=str(signature_path),
    )
    manifest = parse_manifest(raw, str(root / MANIFEST_NAME))
    for file in manifest.files():
        verify_file(root, file)
    by = vouching(root, signed_by, trusted_keys, trust_bundle)
    return vouched(Bundle(root, manifest, signed_by), by)


def _hash_archive(archive: Path) -> str:
    return hashlib.sha256(read_regular(archive, MAX_BUNDLE_BYTES)).hexdigest()
