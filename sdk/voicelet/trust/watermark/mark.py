"""The mark in everything that voicelet says: who made it, when, and with which key.

A :class:`Watermark` belongs to an opened voice.  Each clause of a stream is given a
:class:`ClauseMark`, which says by how much which STFT bins of which frame are raised or lowered
(`voicelet.trust.watermark.pattern`).  The vocoder that works in the STFT domain multiplies them
into its spectra, which costs next to nothing; for other voices there is a filter
(`voicelet.synth.marking`).  `detect_watermark` (`voicelet.trust.watermark.detect`) finds the
mark again.

No argument of any public function turns the mark off.  Research that compares marked with unmarked
speech sets :data:`RESEARCH_SWITCH`; then :func:`is_marking` is False, a warning is logged, and file
metadata says so.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.errors import WatermarkError
from voicelet.trust.watermark.pattern import (
    EPOCH,
    FRAMES_PER_S,
    PERIOD_FRAMES,
    PUBLIC_KEY,
    SLOT_FRAMES,
    TILE_FRAMES,
    TILES,
    Payload,
    gain_table,
    tile_signs,
)

log = logging.getLogger(__name__)

RESEARCH_SWITCH = "VOICELET_RESEARCH_UNMARKED"
"""Environment variable: "1" leaves the mark out, for measurements of the mark itself."""
KEY_VARIABLE = "VOICELET_WATERMARK_KEY"
"""Environment variable: the file of an operator's own key."""
DATE_VARIABLE = "SOURCE_DATE_EPOCH"
"""Environment variable: seconds since 1970 that stand for now, as in reproducible builds."""
MIN_KEY_BYTES, MAX_KEY_BYTES = 16, 64
_LAST_S = 253_402_300_799  # the last second of the year 9999
_WRONG_DATE = (
    DATE_VARIABLE
    + " must be whole seconds since 1970, at most "
    + str(_LAST_S)
    + ", not {!r}; unset it to use the clock"
)


def is_marking() -> bool:
    """Whether speech is marked; False only under :data:`RESEARCH_SWITCH`."""
    return os.environ.get(RESEARCH_SWITCH, "") != "1"


def model_digest(name: str, version: str) -> int:
    """Eight bits that stand for a voice bundle in the payload."""
    return hashlib.sha256(f"{name}\n{version}".encode()).digest()[0]


def key_digest(key: bytes) -> int:
    """Eight bits that stand for a key: 0 for the public one, 1 to 255 for others."""
    if key == PUBLIC_KEY:
        return 0
    return 1 + hashlib.sha256(b"watermark key id" + key).digest()[0] % 255


def read_key(path: str | os.PathLike[str]) -> bytes:
    """Read an operator's key: 16 to 64 bytes of a file, as they are.

    Raises:
        WatermarkError: the file can't be read, or is too short or too long.
    """
    try:
        with Path(path).open("rb") as file:
            key = file.read(MAX_KEY_BYTES + 1)
    except (OSError, ValueError) as error:
        raise WatermarkError(
            f"can't read the watermark key {os.fspath(path)!r}: {error}; check {KEY_VARIABLE}"
        ) from error
    if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise WatermarkError(
            f"a watermark key has {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes; make one with "
            f"`head -c 32 /dev/urandom > FILE`"
        )
    return key


def now_s() -> float:
    """Seconds since 1970: :data:`DATE_VARIABLE` where it is set, else the clock.

    Raises:
        WatermarkError: the variable is no number of seconds before the year 10000.
    """
    seconds = os.environ.get(DATE_VARIABLE, "")
    if not seconds:
        return time.time()
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) < 16):
        raise WatermarkError(_WRONG_DATE.format(seconds))
    if int(seconds) > _LAST_S:
        raise WatermarkError(_WRONG_DATE.format(seconds))
    return float(seconds)


class Watermark:
    """What all streams of a voice share.  Threads may share it.

    Args:
        model: of :func:`model_digest`.
        clock: gives seconds since 1970.

    Raises:
        WatermarkError: a key is configured and can't be used.
    """

    def __init__(self, model: int, clock: Callable[[], float] = now_s) -> None:
        self._model, self._clock = model, clock
        configured = os.environ.get(KEY_VARIABLE, "")
        self._key = read_key(configured) if configured else PUBLIC_KEY
        self._lock = threading.Lock()
        self._tables: tuple[Payload, dict[tuple[int, int], FloatArray]] | None = None

    def payload(self) -> Payload:
        """What a stream that begins now is to carry."""
        today = datetime.fromtimestamp(self._clock(), timezone.utc).date()
        week = (today - EPOCH).days // 7 % 4096
        return Payload(self._model, week, key_digest(self._key))

    def table(self, rate: int, size: int) -> FloatArray:
        """Gains in every slot, for STFTs of `size` samples at `rate` Hz; kept for the week."""
        payload = self.payload()
        with self._lock:
            if self._tables is None or self._tables[0] != payload:
                self._tables = (payload, {})
            tables = self._tables[1]
            if (rate, size) not in tables:
                signs = tile_signs(payload, self._key)
                tables[rate, size] = gain_table(signs, np.arange(size // 2 + 1) * (rate / size))
            return tables[rate, size]

    def clause(self, opening: str) -> ClauseMark | None:
        """The mark of a clause; None under :data:`RESEARCH_SWITCH`.

        Where the pattern begins depends on the clause's first word, and on nothing that was said
        before or is said after it: if equal speech came with the pattern elsewhere each time, the
        mean of some of it would be speech without a mark.  Short clauses together still hold all
        of the pattern, for they begin with different words.

        Args:
            opening: the first word, in any spelling that is always the same.
        """
        if is_marking():
            tile = hashlib.sha256(opening.encode("utf-8", "surrogatepass")).digest()[0] % TILES
            return ClauseMark(self, tile)
        log.warning("%s is set: this speech carries no watermark", RESEARCH_SWITCH)
        return None


@dataclass(frozen=True)
class ClauseMark:
    """The mark of one clause, for the code that renders it.

    Attributes:
        watermark: of its voice.
        tile: of the pattern, where the clause begins.
    """

    watermark: Watermark
    tile: int = 0

    def frames(self, rate: int, hop: int, size: int, offset: int = 0) -> FrameGains:
        """The mark of STFT frames that are centred on `offset + (i + 0.5) · hop` in the clause.

        Args:
            rate: in Hz.
            hop, size: of the STFT, in samples.
        """
        return FrameGains(
            self.watermark.table(rate, size), offset, rate, hop, self.tile * TILE_FRAMES
        )


@dataclass(frozen=True)
class FrameGains:
    """Factors of the amplitudes of STFT frames.

    Attributes:
        table: float32 [slots, bins].
        start: samples of the clause before frame 0's own hop.
        rate: in Hz.
        hop: in samples.
        place: frame of the pattern (80 a second) at the clause's beginning.
    """

    table: FloatArray
    start: int
    rate: int
    hop: int
    place: int

    def __call__(self, first: int, count: int) -> FloatArray:
        """Those of `count` frames from `first` on, float32 [count, bins]."""
        centres = self.start + (np.arange(first, first + count) * 2 + 1) * self.hop // 2
        frames = (centres * FRAMES_PER_S // self.rate + self.place) % PERIOD_FRAMES
        rows: FloatArray = self.table[frames // SLOT_FRAMES]
        return rows
