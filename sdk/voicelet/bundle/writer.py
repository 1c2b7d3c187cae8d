"""Making a bundle; what the exporter calls."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from voicelet.bundle.archive import staging
from voicelet.bundle.integrity import sign
from voicelet.bundle.manifest import (
    MANIFEST_NAME,
    MAX_BUNDLE_BYTES,
    SIGNATURE_NAME,
    BundleFile,
    Manifest,
    canonical_bytes,
)
from voicelet.bundle.store import Bundle, open_bundle
from voicelet.errors import BundleError
from voicelet.files import read_regular

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

UNHASHED = "0" * 64
"""Stands for a hash that :func:`write_bundle` fills in."""

F = TypeVar("F", bound=BundleFile)


def write_bundle(
    folder: Path,
    manifest: Manifest,
    files: Mapping[str, Path | bytes],
    signing_key: Ed25519PrivateKey | None = None,
) -> Bundle:
    """Write a bundle into `folder`, whole or not at all, and open it again as a user would.

    Args:
        folder: replaced if it exists.
        manifest: `sha256` and `bytes` of its files are filled in here; `UNHASHED` and 0 will do.
        files: path inside the bundle → contents, or the file to copy; exactly those of `manifest`.
        signing_key: writes `manifest.sig`, see :mod:`voicelet.bundle.integrity`.

    Raises:
        BundleError: `files` and `manifest` list different files, or `folder` can't be written.
    """
    listed = {f.file for f in manifest.files()}
    if listed != set(files):
        raise BundleError(
            f"the manifest lists {sorted(listed - set(files))} without a file, and "
            f"{sorted(set(files) - listed)} are not in the manifest"
        )
    contents = {
        name: source if isinstance(source, bytes) else read_regular(source, MAX_BUNDLE_BYTES)
        for name, source in files.items()
    }
    raw = canonical_bytes(_with_hashes(manifest, contents))
    with staging(folder) as temporary:
        for name, content in contents.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            (temporary / name).write_bytes(content)
        (temporary / MANIFEST_NAME).write_bytes(raw)
        if signing_key is not None:
            (temporary / SIGNATURE_NAME).write_bytes(sign(raw, signing_key))
    return open_bundle(folder)


def _with_hashes(manifest: Manifest, contents: Mapping[str, bytes]) -> Manifest:
    def hashed(file: F) -> F:
        content = contents[file.file]
        return dataclasses.replace(
            file, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content)
        )

    graphs = {
        role: dataclasses.replace(g, alternatives=tuple(hashed(a) for a in g.alternatives))
        for role, g in manifest.graphs.items()
    }
    data = {role: hashed(f) for role, f in manifest.data.items()}
    return dataclasses.replace(manifest, graphs=graphs, data=data)
