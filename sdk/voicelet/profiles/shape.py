"""The hash of everything that shapes a voice, which binds a consent record to it."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

import numpy as np

SILENT_FIELDS = frozenset(
    {"name", "created", "speech_s", "quality", "app_version", "consent", "report"}
)
"""Fields of a `Profile` that don't shape its voice; a consent record covers all others."""


def shaping_sha256(profile: object) -> str:
    """Hash of everything in a profile that shapes its voice, 64 hexadecimal digits.

    That is every field but :data:`SILENT_FIELDS`, and every field of what they hold, with its name;
    numbers as float32, since a voice is computed from them as such.  Fields that have their default
    are left out, so that a later voicelet may know more of them, and records made before it still
    fit.  The hash reveals nothing of the voice.

    Args:
        profile: a `Profile`.

    Raises:
        TypeError: a field is of a kind that isn't known here.
    """
    digest = hashlib.sha256(b"voicelet-voice-2\n")
    digest.update(_spelled(profile, SILENT_FIELDS))
    return digest.hexdigest()


def _spelled(value: object, leave_out: frozenset[str] = frozenset()) -> bytes:
    """A value as bytes that no other value has: its kind, its length, itself."""
    if isinstance(value, str):
        kind, data = b"s", value.encode("utf-8")
    elif isinstance(value, np.ndarray):
        kind, data = b"a", repr(value.shape).encode() + b"\n" + value.astype("<f4").tobytes()
    elif isinstance(value, (int, float, np.number)):
        kind, data = b"f", struct.pack("<f", value)
    elif is_dataclass(value):
        kind, data = b"d", b""
        for item in fields(value):
            inner = getattr(value, item.name)
            if item.init and item.name not in leave_out and not _is_default(inner, item):
                data += _spelled(item.name) + _spelled(inner)
    else:
        raise TypeError(f"a {type(value).__name__} can't be part of a voice")
    return kind + struct.pack("<Q", len(data)) + data


def _is_default(value: object, item: Field[Any]) -> bool:
    default = item.default
    if default is MISSING or value is default:
        return value is default
    numbers = isinstance(value, (int, float, np.number)) and isinstance(default, (int, float))
    return numbers and _spelled(value) == _spelled(default)
