"""Where the mark lies: which tiles of time and frequency are raised and which are lowered.

Time runs in frames of 12.5 ms, whatever the rate.  Four frames are a slot, two slots a tile: a tile
raised in its first slot is lowered in its second, so that a tile is a step that the slow ups and
downs of speech hardly know (the patchwork of Bender et al., "Techniques for data hiding", 1996,
with spread-spectrum signs as of Cox et al., 1997).  Twenty tiles, two seconds, and the pattern
begins again, so any part of a recording will do.  Bands are 100 Hz wide, and 6 % of their frequency
higher up.

Two tiles in three are pilots: their signs come from a key that is public, so that anybody can find
the mark.  The others carry the payload; their signs come from the operator's key, the public one
unless another is configured.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from voicelet.trust.watermark_payload import CODED_BITS, Payload, encode

FloatArray = npt.NDArray[np.float32]
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
class Layout:
    """The keyed part of the pattern.

    Attributes:
        signs: int8 [TILES, BANDS], ±1; of pilots, and what payload tiles are multiplied by.
        bit: int64 [TILES, BANDS], the coded bit that a tile carries, -1 for a pilot.
    """

    signs: SignArray
    bit: IntArray


@lru_cache(maxsize=16)
def layout(key: bytes = PUBLIC_KEY, pilot_key: bytes = PUBLIC_KEY) -> Layout:
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
        chosen = order[(part & ~pilot).reshape(-1)[order]]
        bit.reshape(-1)[chosen] = (place + np.arange(len(chosen))) % CODED_BITS
        place = (place + len(chosen)) % CODED_BITS
    return Layout(signs.astype(np.int8), bit)


def tile_signs(payload: Payload, key: bytes = PUBLIC_KEY) -> SignArray:
    """Whether a tile is raised first (1) or lowered first (-1), int8 [TILES, BANDS]."""
    laid = layout(key)
    coded = 2 * encode(payload).astype(np.int8) - 1
    carried: SignArray = np.where(laid.bit < 0, np.int8(1), coded[laid.bit])
    return (laid.signs * carried).astype(np.int8)


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
