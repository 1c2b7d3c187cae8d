"""When each moment of a clause is heard once it is compressed: pauses give way before sounds do.

Listeners follow compressed speech better where it is shortened as people shorten it who talk fast:
silences most, sounds less (Covell, Withgott & Slaney 1998, "Mach1: nonuniform time-scale
modification of speech").  Here the voice itself says where its phones lie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voicelet.text.phones import PAD, PUNCTUATION

SILENCE_SHARE = 0.05
"""How much of its length a silence keeps, beside 1 for a sound."""
LAST_PHONE_S = 0.1
"""Of the last phone before a silence this much is heard; its label holds silence, too."""
_SILENT = frozenset(PAD + PUNCTUATION) - {" "}
_LEAST_S = 1e-4


@dataclass(frozen=True)
class TimeMap:
    """Piecewise linear, from seconds of the clause as it is spoken to those as it is heard.

    Attributes:
        spoken_s, heard_s: [n], both rising.
    """

    spoken_s: npt.NDArray[np.float64]
    heard_s: npt.NDArray[np.float64]

    def heard(self, spoken_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """When what is spoken then is heard."""
        return np.interp(spoken_s, self.spoken_s, self.heard_s)

    def spoken(self, heard_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What is heard then was spoken when."""
        return np.interp(heard_s, self.heard_s, self.spoken_s)


def time_map(
    phones: str, ends_s: npt.NDArray[np.float64], spoken_s: float, factor: float
) -> TimeMap:
    """Lay out a clause that is to be heard in less time, up to its last sound.

    Args:
        phones: of the clause, without pads.
        ends_s: when each ends, pads included, [len(phones) + 2].
        spoken_s: length of the clause.
        factor: how much less, above 1.
    """
    symbols = PAD + phones + PAD
    silent = [symbol in _SILENT for symbol in symbols]
    places, shares = [0.0], []
    for i, end in enumerate(ends_s):
        start, end = places[-1], min(float(end), spoken_s)
        if end - start < _LEAST_S:
            continue
        share = SILENCE_SHARE if silent[i] else 1.0
        before_silence = not silent[i] and silent[min(i + 1, len(silent) - 1)]
        if before_silence and end - start > LAST_PHONE_S:
            places.append(start + LAST_PHONE_S)
            shares.append(share)
            share = SILENCE_SHARE
        places.append(end)
        shares.append(share)
    if spoken_s - places[-1] > _LEAST_S:
        places.append(spoken_s)
        shares.append(SILENCE_SHARE)
    else:
        places[-1] = spoken_s
    heard = np.concatenate([[0.0], np.cumsum(np.diff(places) * np.array(shares))])
    sounds = [i for i, share in enumerate(shares, 1) if share == 1.0]
    last = sounds[-1] if sounds else len(shares)
    return TimeMap(np.array(places), heard * (places[last] / factor / heard[last]))
