"""The 32 bits that a mark carries, and the code that protects them.

A CRC-12 and a tail-biting convolutional code of rate 1/3 and constraint length 7 (Ma and Wolf,
"On tail biting convolutional codes", 1986; generators 133, 171, 165 octal), read by a soft-decision
Viterbi decoder that goes round the circle until its path closes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from voicelet.errors import WatermarkError

FloatArray = npt.NDArray[np.float64]
BitArray = npt.NDArray[np.uint8]

VERSION = 1
EPOCH = date(2024, 1, 1)
"""A Monday; weeks are counted from it."""
PAYLOAD_BITS, CRC_BITS = 32, 12
CODED_BITS = 3 * (PAYLOAD_BITS + CRC_BITS)
_CRC_POLYNOMIAL = 0x80F  # CRC-12/UMTS
_GENERATORS = (0o133, 0o171, 0o165)
_STATES = 64
_ROUNDS = 3
_FIELDS = {"version": 4, "model": 8, "week": 12, "key_id": 8}


@dataclass(frozen=True)
class Payload:
    """What a mark says.

    Attributes:
        model: 8-bit digest of the voice bundle's name and version, see `model_digest`.
        week: weeks since :data:`EPOCH` in which it was spoken, modulo 4096.
        key_id: 0 for the public key, else 8 bits of the operator key's digest.
        version: of the marking scheme.
    """

    model: int
    week: int
    key_id: int = 0
    version: int = VERSION

    def __post_init__(self) -> None:
        for name, bits in _FIELDS.items():
            if not 0 <= getattr(self, name) < 1 << bits:
                raise WatermarkError(f"the mark's {name} must fit {bits} bits")

    @property
    def monday(self) -> date:
        """The first day of the week it was spoken in."""
        return EPOCH + timedelta(weeks=self.week)

    def to_int(self) -> int:
        """All fields, the version highest."""
        value = 0
        for name, bits in _FIELDS.items():
            value = value << bits | int(getattr(self, name))
        return value

    @classmethod
    def from_int(cls, value: int) -> Payload:
        """Inverse of :meth:`to_int`.

        Raises:
            WatermarkError: it isn't a number of 32 bits.
        """
        if not 0 <= value < 1 << PAYLOAD_BITS:
            raise WatermarkError(f"a payload has {PAYLOAD_BITS} bits; {value} doesn't fit")
        fields = {}
        for name, bits in reversed(_FIELDS.items()):
            fields[name] = value & (1 << bits) - 1
            value >>= bits
        return cls(**fields)


def encode(payload: Payload) -> BitArray:
    """Payload → coded bits, uint8 [CODED_BITS] of 0 and 1."""
    value = payload.to_int()
    word = value << CRC_BITS | _crc(value)
    count = PAYLOAD_BITS + CRC_BITS
    bits = np.array([word >> (count - 1 - i) & 1 for i in range(count)], np.uint8)
    # The register before bit i holds the six bits before it, round the circle.
    taps = np.stack([np.roll(bits, k) for k in range(7)])
    out = [taps[[k for k in range(7) if g >> (6 - k) & 1]].sum(axis=0) & 1 for g in _GENERATORS]
    coded: BitArray = np.stack(out, axis=1).reshape(-1).astype(np.uint8)
    return coded


def decode(soft: FloatArray) -> Payload | None:
    """The most likely payload, or None where its check bits don't hold.

    Args:
        soft: [CODED_BITS]; positive speaks for a 1, its size for how much.
    """
    bits = _viterbi(np.asarray(soft, np.float64))
    word = int("".join(map(str, bits)), 2)
    value = word >> CRC_BITS
    if _crc(value) != word & (1 << CRC_BITS) - 1:
        return None
    payload = Payload.from_int(value)
    return payload if payload.version == VERSION else None


def bit_errors(soft: FloatArray, payload: Payload) -> float:
    """Share of coded bits whose sign is wrong before the code corrects them."""
    return float(np.mean((np.asarray(soft) > 0.0) != (encode(payload) > 0)))


def _crc(value: int) -> int:
    register = 0xFFF
    for i in reversed(range(PAYLOAD_BITS)):
        high = register >> (CRC_BITS - 1) ^ (value >> i & 1)
        register = register << 1 & (1 << CRC_BITS) - 1
        if high:
            register ^= _CRC_POLYNOMIAL
    return register


@lru_cache(maxsize=1)
def _trellis() -> tuple[npt.NDArray[np.int64], FloatArray]:
    """For each new state and each of its two predecessors: which, and its three coded signs."""
    # A state holds the last six bits, the newest highest.
    states = np.arange(_STATES)
    before = np.stack([(states << 1 & 63) | oldest for oldest in (0, 1)], axis=1)
    register = (states >> 5)[:, None] << 6 | before
    signs = np.stack(
        [
            1.0 - 2.0 * (np.vectorize(lambda r, g=g: bin(r & g).count("1"))(register) % 2 == 0)
            for g in _GENERATORS
        ],
        axis=2,
    )
    return before, signs


def _viterbi(soft: FloatArray) -> BitArray:
    before, signs = _trellis()
    steps = soft.reshape(-1, len(_GENERATORS))
    count = len(steps)
    score = np.zeros(_STATES)
    choices = np.zeros((_ROUNDS * count, _STATES), np.int64)
    rows = np.arange(_STATES)
    for i in range(_ROUNDS * count):
        options = score[before] + signs @ steps[i % count]
        best = options.argmax(axis=1)
        choices[i] = before[rows, best]
        score = options[rows, best]
    state = int(score.argmax())
    bits = np.zeros(count, np.uint8)
    # The last round's ends aren't forced to meet; the middle one has seen both its sides.
    for i in reversed(range(_ROUNDS * count)):
        if count <= i < 2 * count:
            bits[i % count] = state >> 5
        state = int(choices[i, state])
    return bits
