"""What `voicelet adapt` learnt about one person beyond the speaker vector.

The acoustic decoder takes the speaker as a condition: scales and shifts of its layer norms and a
mean spectrum.  An adaptation moves that condition (few-shot adaptation of conditional layer norm as
in AdaSpeech, Chen et al. 2021), and corrects rate, pitch range and loudness.  It holds for the
model it was trained on and no other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.errors import ProfileError

MAX_SIZE = 1 << 16
_REMEDY = "adapt the voice again"
_LIMITS = {
    "log_duration_shift": (-1.0, 1.0),
    "pitch_gain": (0.25, 4.0),
    "energy_shift": (-3.0, 3.0),
    "speech_s": (0.0, 1e6),
    "loss_before": (0.0, 1e3),
    "loss_after": (0.0, 1e3),
}


@dataclass(frozen=True, eq=False)
class Adaptation:
    """Corrections of a model for one person.

    Attributes:
        decoder_sha256: of the bundle's acoustic decoder that they were trained for.
        condition_shift: added to the decoder's condition, float32 [K]; kept as float16.
        log_duration_shift: added to log durations: below 0 is faster.
        pitch_gain: how much wider than predicted the person's pitch moves.
        energy_shift: added to predicted energies, in the model's units.
        speech_s: seconds of speech it was learnt from.
        loss_before, loss_after: mel loss on recordings of the person that weren't learnt from.
    """

    decoder_sha256: str
    condition_shift: FloatArray = field(repr=False)
    log_duration_shift: float = 0.0
    pitch_gain: float = 1.0
    energy_shift: float = 0.0
    speech_s: float = 0.0
    loss_before: float = 0.0
    loss_after: float = 0.0

    def __post_init__(self) -> None:
        with np.errstate(over="ignore"):
            shift = np.asarray(self.condition_shift).astype(np.float16).astype(np.float32)
        if shift.ndim != 1 or not 0 < len(shift) <= MAX_SIZE or not np.isfinite(shift).all():
            raise ProfileError(f"an adaptation must be a list of finite numbers; {_REMEDY}")
        if not re.fullmatch(r"[0-9a-f]{64}", self.decoder_sha256):
            raise ProfileError(f"an adaptation must name its model by a SHA-256; {_REMEDY}")
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise ProfileError(f"{name} of an adaptation is out of {low:g}..{high:g}")
        shift.setflags(write=False)
        object.__setattr__(self, "condition_shift", shift)

    @property
    def vector(self) -> FloatArray:
        """Input of the acoustic model, float32 [3 + K]: rate, pitch, energy, the condition."""
        controls = (self.log_duration_shift, self.pitch_gain, self.energy_shift)
        return np.concatenate([np.array(controls, np.float32), self.condition_shift])

    def to_header(self) -> dict[str, Any]:
        """All but the condition, for a profile's header."""
        return {"decoder_sha256": self.decoder_sha256, **{k: getattr(self, k) for k in _LIMITS}}

    def to_body(self) -> bytes:
        """The condition as float16, padded to four bytes."""
        body = self.condition_shift.astype("<f2").tobytes()
        return body + bytes(-len(body) % 4)

    @classmethod
    def read(cls, header: Mapping[str, Any], size: int, body: bytes) -> Adaptation:
        """Inverse of :meth:`to_header` and :meth:`to_body`; keys that aren't known are skipped.

        Raises:
            ProfileError, KeyError, TypeError, ValueError: it is damaged.
        """
        if not 0 < size <= MAX_SIZE or len(body) != 4 * ((2 * size + 3) // 4):
            raise ValueError("the adaptation has another length than stated")
        numbers = {name: float(header[name]) for name in _LIMITS}
        shift = np.frombuffer(body, "<f2", count=size).astype(np.float32)
        return cls(str(header["decoder_sha256"]), shift, **numbers)
