"""Opening whatever a caller names as a voice: a bundle, or a Piper voice, imported once."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

from voicelet.bundle import Bundle, open_bundle
from voicelet.bundle.archive import staging
from voicelet.bundle.manifest import MANIFEST_NAME, MAX_BUNDLE_BYTES
from voicelet.bundle.store import vouched
from voicelet.errors import BundleError, BundleUnsignedError
from voicelet.files import cache_dir, embedded_bundle
from voicelet.piper.config import ARCHITECTURE, MAX_CONFIG_BYTES

log = logging.getLogger(__name__)

SUFFIX = ".onnx"
_BUNDLE = "bundle"
IMPORT_VERSION = 1
"""Raised by one whenever an import writes something else, so that cached voices are made anew."""


def is_piper(path: str | Path | None) -> bool:
    """Whether a path names a Piper voice rather than a bundle."""
    return path is not None and str(path).lower().endswith(SUFFIX)


def open_voice(
    path: str | Path | None = None,
    *,
    trusted_keys: Iterable[str] = (),
    require_signature: bool = False,
    trust_bundle: bool = False,
) -> Bundle:
    """Open a bundle (see `voicelet.bundle.open_bundle`) or a Piper voice (`x.onnx`).

    A Piper voice is written as a bundle into the cache the first time, which takes some seconds and
    the onnx package; afterwards it is found there by the hash of its files.

    Nobody needs to vouch for an import: it was made here, of the very files that the caller names,
    and its graphs take no speaker vector that could be somebody else's.

    Raises:
        BundleError: not found, not a voice, or as `open_bundle` says.
    """
    keys = tuple(trusted_keys)
    if path is None or not is_piper(path):
        return open_bundle(
            path,
            trusted_keys=keys,
            require_signature=require_signature,
            trust_bundle=trust_bundle,
        )
    if keys or require_signature:
        raise BundleUnsignedError(
            f"{path}: Piper's files aren't signed; import the voice as a bundle and sign that"
        )
    return _imported(Path(path))


def _imported(onnx: Path) -> Bundle:
    folder = cache_dir() / "piper" / _key(onnx)
    if folder.is_dir():
        try:
            return _own(folder)
        except BundleError as error:
            log.info("importing %s again: %s", onnx, error)
            shutil.rmtree(folder, ignore_errors=True)
    # Only an import needs the engine and the surgery.
    from voicelet.piper.bundle import import_piper

    # What another process imported in the meantime is kept: it may be reading it.
    with staging(folder, replace=False) as temporary:
        import_piper(onnx, None, temporary / _BUNDLE)
    return _own(folder)


def _own(folder: Path) -> Bundle:
    bundle = open_bundle(folder / _BUNDLE)
    if bundle.manifest.architecture != ARCHITECTURE:
        raise BundleError(f"{bundle.root}: not what an import of a Piper voice writes")
    return vouched(bundle, "import")


def _key(onnx: Path) -> str:
    """Hash of all that an import depends on: the voice, its JSON and the front end it borrows."""
    digest = hashlib.sha256(f"voicelet piper {IMPORT_VERSION}\n".encode())
    files = ((onnx, MAX_BUNDLE_BYTES), (onnx.with_name(onnx.name + ".json"), MAX_CONFIG_BYTES))
    for path, limit in files:
        digest.update(_hash(path, limit))
    lender = embedded_bundle() / MANIFEST_NAME
    if lender.is_file():
        digest.update(_hash(lender, MAX_BUNDLE_BYTES))
    return digest.hexdigest()


def _hash(path: Path, limit: int) -> bytes:
    """SHA-256 of a file, read in pieces.

    Raises:
        BundleError: there is no such file, or it is too large.
    """
    try:
        if not path.is_file():
            raise BundleError(
                f"{path}: no such file; a Piper voice is an .onnx with its .onnx.json beside it, "
                "fetch both from where the voice came"
            )
        if path.stat().st_size > limit:
            raise BundleError(f"{path}: larger than {limit >> 20} MB; not a Piper voice")
        digest = hashlib.sha256()
        buffer = memoryview(bytearray(1 << 18))
        with open(path, "rb", buffering=0) as file:
            while n := file.readinto(buffer):
                digest.update(buffer[:n])
    except (OSError, ValueError) as error:  # a NUL in the path is a ValueError
        raise BundleError(f"{path}: can't be read ({error}); fetch the voice again") from None
    return digest.digest()
