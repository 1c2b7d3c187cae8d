"""What a voice bundle is, and whether to trust it."""

from __future__ import annotations

from voicelet.bundle.archive import pack
from voicelet.bundle.integrity import load_signing_key
from voicelet.bundle.manifest import (
    SCHEMA_VERSION,
    BundleFile,
    GraphFile,
    GraphSpec,
    Manifest,
    Preset,
    Statistics,
    TensorSpec,
)
from voicelet.bundle.store import Bundle, install, installed, open_bundle
from voicelet.bundle.writer import UNHASHED, write_bundle

__all__ = [
    "SCHEMA_VERSION",
    "UNHASHED",
    "Bundle",
    "BundleFile",
    "GraphFile",
    "GraphSpec",
    "Manifest",
    "Preset",
    "Statistics",
    "TensorSpec",
    "install",
    "installed",
    "load_signing_key",
    "open_bundle",
    "pack",
    "write_bundle",
]
