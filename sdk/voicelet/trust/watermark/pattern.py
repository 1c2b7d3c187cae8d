"""Where the mark lies: which tiles of time and frequency are raised and which are lowered.

Time runs in frames of 12.5 ms, whatever the rate.  Four frames are a slot, two slots a tile: a tile
raised in its first slot is lowered in its second, so that a tile is a step, which the slow changes
of speech rarely imitate (the patchwork of Bender et al., "Techniques for data hiding", 1996,
with spread-spectrum signs as of Cox et al., 1997).  Twenty tiles, two seconds, and the pattern
begins again, so any part of a recording will do.  Bands are 100 Hz wide, and 6 % of their frequency
higher up.

Two tiles in three are pilots: their signs come from a key that is public, so that anybody can find
the mark.  The others carry the payload; their signs come from the operator's key, the public one
unless another is configured.

A CRC-12 and a tail-biting convolutional code of rate 1/3 and constraint length 7 (Ma and Wolf,
"On tail biting convolutional codes", 1986; generators 133, 171, 165 octal), read by a soft-decision
Viterbi decoder that goes round the circle until its path closes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.errors import WatermarkError

# The 32 bits that a mark carries, and the code that protects them.


DoubleArray = npt.NDArray[np.float64]
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
    outputs = [taps[[k for k in range(7) if g >> (6 - k) & 1]].sum(axis=0) & 1 for g in _GENERATORS]
    coded: BitArray = np.stack(outputs, axis=1).reshape(-1).astype(np.uint8)
    return coded


def decode(soft: DoubleArray) -> Payload | None:
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


def bit_errors(soft: DoubleArray, payload: Payload) -> float:
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
def _trellis() -> tuple[npt.NDArray[np.int64], DoubleArray]:
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


def _viterbi(soft: DoubleArray) -> BitArray:
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


SignArray = npt.NDArray[np.int8]
IntArray = npt.NDArray[np.int64]

FRAMES_PER_S = 80
SLOT_FRAMES = 4
TILE_FRAMES = 2 * SLOT_FRAMES
TILES = 20
PERIOD_FRAMES = TILES * TILE_FRAMES
LOW_HZ, HIGH_HZ = 300.0, 10_000.0
_MIN_BAND_HZ, _BAND_SHARE = 100.0, 0.06
_TELEPHONE_HZ = 3400.0
DEPTH_DB = 2.5
"""How far a tile is raised and lowered."""
PUBLIC_KEY = b"voicelet watermark, public key 1"


def band_edges() -> npt.NDArray[np.float64]:
    """Edges of the bands in Hz, [bands + 1]."""
    edges = [LOW_HZ]
    while edges[-1] < HIGH_HZ:
        edges.append(edges[-1] + max(_MIN_BAND_HZ, _BAND_SHARE * edges[-1]))
    return np.array(edges)


BANDS = len(band_edges()) - 1


@dataclass(frozen=True)
class MarkLayout:
    """The keyed part of the pattern.

    Attributes:
        signs: int8 [TILES, BANDS], ±1; of pilots, and what payload tiles are multiplied by.
        bit: int64 [TILES, BANDS], the coded bit that a tile carries, -1 for a pilot.
    """

    signs: SignArray
    bit: IntArray


@lru_cache(maxsize=16)
def layout(key: bytes = PUBLIC_KEY, pilot_key: bytes = PUBLIC_KEY) -> MarkLayout:
    """Lay tiles out for the keys of the payload and of the pilots."""
    count = TILES * BANDS
    pilot = (np.arange(TILES)[:, None] + np.arange(BANDS)) % 3 != 0
    public, private = _signs(pilot_key, count), _signs(key, count)
    signs = np.where(pilot, public.reshape(TILES, BANDS), private.reshape(TILES, BANDS))
    bit = np.full((TILES, BANDS), -1, np.int64)
    order = np.argsort(_words(key, b"order", count), kind="stable")
    place = 0
    # Each coded bit gets as many tiles in the telephone's band as any other, and so above it.
    narrow = np.broadcast_to(band_edges()[1:] <= _TELEPHONE_HZ, (TILES, BANDS))
    for part in (narrow, ~narrow):
        tiles = order[(part & ~pilot).reshape(-1)[order]]
        bit.reshape(-1)[tiles] = (place + np.arange(len(tiles))) % CODED_BITS
        place = (place + len(tiles)) % CODED_BITS
    return MarkLayout(signs.astype(np.int8), bit)


def tile_signs(payload: Payload, key: bytes = PUBLIC_KEY) -> SignArray:
    """Whether a tile is raised first (1) or lowered first (-1), int8 [TILES, BANDS]."""
    mark_layout = layout(key)
    coded = 2 * encode(payload).astype(np.int8) - 1
    payload_signs: SignArray = np.where(mark_layout.bit < 0, np.int8(1), coded[mark_layout.bit])
    return (mark_layout.signs * payload_signs).astype(np.int8)


def slot_steps(signs: SignArray) -> FloatArray:
    """Tiles → slots: float32 [2 · TILES, BANDS] of ±1."""
    steps: FloatArray = np.stack([signs, -signs], axis=1).reshape(-1, BANDS).astype(np.float32)
    return steps


def gain_table(signs: SignArray, bin_hz: npt.ArrayLike) -> FloatArray:
    """Gains of STFT bins in every slot of the period.

    Args:
        signs: of :func:`tile_signs`.
        bin_hz: frequency of each bin, [bins].

    Returns:
        float32 [2 · TILES, bins], factors of the amplitude.
    """
    band = np.searchsorted(band_edges(), np.asarray(bin_hz), side="right") - 1
    inside = (band >= 0) & (band < BANDS)
    steps = slot_steps(signs)
    table = np.ones((len(steps), len(band)), np.float32)
    table[:, inside] = 10.0 ** (steps[:, band[inside]] * (DEPTH_DB / 20.0))
    return table


def _words(key: bytes, label: bytes, count: int) -> npt.NDArray[np.uint32]:
    # Keys are at most 64 bytes, so they are the MAC key of BLAKE2b, the label its person.
    seed = hashlib.blake2b(b"mark", key=key, person=label).digest()
    return np.frombuffer(hashlib.shake_256(seed).digest(4 * count), "<u4")


def _signs(key: bytes, count: int) -> SignArray:
    return np.where(_words(key, b"signs", count) & 1, 1, -1).astype(np.int8)
