"""Where bundles live, by the XDG base directory specification."""

from __future__ import annotations

import os
from pathlib import Path


def _base(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    # The specification says to ignore a relative path.
    return Path(value) if os.path.isabs(value) else Path.home() / fallback


def cache_dir() -> Path:
    """`$XDG_CACHE_HOME/voicelet`: unpacked archives; may be deleted at any time."""
    return _base("XDG_CACHE_HOME", ".cache") / "voicelet"


def data_dir() -> Path:
    """`$XDG_DATA_HOME/voicelet`: installed bundles."""
    return _base("XDG_DATA_HOME", ".local/share") / "voicelet"


def embedded_bundle() -> Path:
    """The bundle inside the package."""
    return Path(__file__).resolve().parent.parent / "voices" / "default"
