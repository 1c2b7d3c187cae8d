"""The symbols a VITS voice was trained on, and how voicelet's phones are spelt in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from voicelet.errors import ConfigError, PhoneError
from voicelet.piper.phones import PiperIds, PiperPhones
from voicelet.text.phones import PhoneInventory

_BEGIN, _END, _BETWEEN = -1, -2, -3  # stand-ins, taken out again


@dataclass(frozen=True)
class SymbolTable:
    """How text becomes ids.

    Attributes:
        kind: "voicelet" is the project's own inventory; "piper" and "ipa" have a table of
            eSpeak-style IPA.  "piper" puts begin and end around and a pad between.
        ids: symbol → its ids ("piper" and "ipa").
        blank: an id put before, between and after all symbols; `None` for none ("voicelet" and
            "ipa").
    """

    kind: Literal["voicelet", "piper", "ipa"] = "voicelet"
    ids: dict[str, tuple[int, ...]] = field(default_factory=dict)
    blank: int | None = None

    def __post_init__(self) -> None:
        if self.kind != "voicelet" and not self.ids:
            raise ValueError("a table of symbols is needed")

    def highest(self) -> int:
        """The largest id."""
        own = [len(PhoneInventory().symbols) - 1] if self.kind == "voicelet" else []
        blank = [] if self.blank is None else [self.blank]
        return max(own + blank + [i for ids in self.ids.values() for i in ids])

    def encode(self, phones: str) -> PiperIds:
        """Spell phones of voicelet's inventory (without pads).

        Returns:
            ids, and for each the voicelet token that it belongs to, from 0 (the opening pad) to
            `len(phones) + 1`.

        Raises:
            PhoneError: a symbol isn't voicelet's, or nothing of the phones is known to the voice.
        """
        inventory = PhoneInventory()
        own = inventory.encode(phones)
        if self.kind == "voicelet":
            return interleave(own, np.arange(len(own)), self.blank)
        if self.kind == "piper":
            return PiperPhones(self.ids).encode(phones)
        table: Mapping[str, tuple[int, ...]] = {
            **self.ids, "_": (_BETWEEN,), "^": (_BEGIN,), "$": (_END,),
        }  # fmt: skip
        spelt = PiperPhones(table).encode(phones)
        kept = spelt.ids >= 0
        if not kept.any():
            raise PhoneError(f"the voice knows none of the phones {phones!r}")
        return interleave(spelt.ids[kept], spelt.owner[kept], self.blank)


def interleave(
    ids: npt.NDArray[np.int64], owner: npt.NDArray[np.int64], blank: int | None
) -> PiperIds:
    """Put the blank (if any) around and between the ids; it belongs to the symbol before it."""
    if blank is None:
        return PiperIds(ids, owner)
    out = np.full(2 * len(ids) + 1, blank, np.int64)
    out[1::2] = ids
    owners = np.zeros(len(out), np.int64)
    owners[1::2] = owners[2::2] = owner
    return PiperIds(out, owners)


def read_table(data: object, where: str) -> dict[str, tuple[int, ...]]:
    """A table of symbols from JSON: symbol → id or list of ids.

    Raises:
        ConfigError: it isn't one.
    """
    if not isinstance(data, dict) or not data:
        raise ConfigError(f"{where}: not an object of symbols and their ids")
    table: dict[str, tuple[int, ...]] = {}
    for symbol, ids in data.items():
        values = ids if isinstance(ids, list) else [ids]
        if not all(isinstance(i, int) and not isinstance(i, bool) and i >= 0 for i in values):
            raise ConfigError(f"{where}: {symbol!r} has ids that aren't whole numbers ({ids!r})")
        table[str(symbol)] = tuple(values)
    return table
