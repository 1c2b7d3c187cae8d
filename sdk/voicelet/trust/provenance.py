"""What a file states about its origin: its label and its content credentials."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError, TrustError
from voicelet.trust.credentials import MIME_TYPES, read_credentials
from voicelet.trust.labels import read_label


@dataclass(frozen=True)
class Provenance:
    """What a file says of itself.

    Attributes:
        label: its metadata, see `read_label`; None where it has none.  Anybody can write it.
        credentials: see `read_credentials`; None where it has none, or can't have any.
        unread: why credentials weren't looked for: the extra isn't installed.  "" otherwise.
    """

    label: dict[str, Any] | None
    credentials: dict[str, Any] | None
    unread: str = ""

    def lines(self) -> dict[str, str]:
        """Name → text, for people to read; empty where the file states nothing."""
        rows = {}
        if self.label is not None:
            maker = " ".join(str(self.label.get(k, "?")) for k in ("system", "version", "created"))
            rows["label"] = f"synthetic, by {self.label.get('provider', '?')} ({maker})"
        if self.credentials is not None:
            state = "hold" if self.credentials["valid"] else "don't hold: the file was changed"
            trust = "known" if self.credentials["trusted"] else "unknown"
            signer = self.credentials.get("signer") or "nobody"
            rows["credentials"] = f"{state}; signed by {signer}, {trust} here"
        elif self.unread:
            rows["credentials"] = self.unread
        return rows


def provenance(path: str | os.PathLike[str]) -> Provenance:
    """Read what a file says of itself.

    Raises:
        AudioError: it can't be read as audio.
        OSError: it can't be read.
    """
    label = read_label(path)
    if Path(path).suffix.lower() not in MIME_TYPES:
        return Provenance(label, None)
    try:
        return Provenance(label, read_credentials(path))
    except (
        ConfigError,
        TrustError,
    ) as error:  # the extra isn't installed, or the credentials are damaged
        return Provenance(label, None, str(error))
