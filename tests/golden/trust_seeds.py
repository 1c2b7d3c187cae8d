"""What the parts of make_trust_golden.py share: seeds of keys, the time, and names of errors."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timezone

from voicelet.errors import VoiceletError

DEVICE, OTHER, THIRD, MAKER = (bytes([n]) * 32 for n in (1, 2, 3, 4))
"""Of this device's key, two other devices' and a bundle maker's."""
NOW = datetime(2026, 12, 1, 12, 0, 0, tzinfo=timezone.utc)


def b64(data: bytes) -> str:
    """Bytes as JSON takes them."""
    return base64.b64encode(data).decode()


def failure(action: Callable[[], object]) -> str | None:
    """The name of the error that an action raises, without "Error"; None for none."""
    try:
        action()
    except VoiceletError as error:
        return type(error).__name__.removesuffix("Error")
    return None
