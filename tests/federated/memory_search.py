"""Looks for numbers in the memory of a running process, whatever form they are kept in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

_CHUNK = 1 << 22
RUN = 16  # bytes compared; 31 of a secret in a row hold one of these at a multiple of 16
_SEPARATORS = (", ", ",", ",\n  ", " ")


def memory(pid: int) -> Iterator[bytes]:
    """All that a process can read and could have written, in pieces that begin at a page.

    Left out are files mapped without the right to write: programs and libraries.
    """
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as file:
        for line in maps:
            span, rights, _, _, inode, *_ = line.split()
            if rights[0] != "r" or (rights[1] != "w" and inode != "0"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            for at in range(start, end, _CHUNK):
                try:
                    file.seek(at)
                    yield file.read(min(_CHUNK, end - at))
                except (OSError, ValueError, OverflowError):
                    break  # [vvar] and its like


@dataclass
class Needles:
    """Names and the numbers they stand for, in all their forms, at any byte."""

    runs: dict[bytes, str] = field(default_factory=dict)

    def add_bytes(self, name: str, data: bytes) -> None:
        """Every run of 16 bytes, but for zeros and the like, which are everywhere."""
        for at in range(len(data) - RUN + 1):
            run = data[at : at + RUN]
            if len(set(run)) > 4:
                self.runs.setdefault(run, name)

    def add(self, name: str, values: np.ndarray) -> None:
        """In their own type, in both byte orders."""
        for order in ("<", ">"):
            kind = values.dtype.newbyteorder(order)
            self.add_bytes(f"{name} {order}{values.dtype.name}", values.astype(kind).tobytes())

    def add_floats(self, name: str, values: np.ndarray) -> None:
        """At double, single and half precision, and as Python and JSON write them."""
        for kind in ("f8", "f4", "f2"):
            self.add(name, values.astype(kind))
        for between in _SEPARATORS:
            text = between.join(repr(float(v)) for v in values)
            self.add_bytes(f"{name} text", text.encode())

    def __len__(self) -> int:
        return len(self.runs)

    def found_in(self, pieces: Iterable[bytes]) -> set[str]:
        """Names of those of which 31 bytes or more in a row are there; of text, 47.

        Of text two neighbouring runs are asked for, because one is no proof: numbers as text share
        ten digits by chance about once in a hundred searches, so many pairs are compared.
        """
        table = np.zeros(1 << 24, np.bool_)
        table[[int.from_bytes(run[:3], "little") for run in self.runs]] = True
        found: set[str] = set()
        for piece in pieces:
            words = np.frombuffer(piece, "<u4", len(piece) // RUN * RUN // 4)[:: RUN // 4]
            for place in np.flatnonzero(table[words & 0xFFFFFF]):
                at = RUN * int(place)
                name = self.runs.get(piece[at : at + RUN])
                if name is None:
                    continue
                if not name.endswith("text") or piece[at + RUN : at + 2 * RUN] in self.runs:
                    found.add(name)
        return found


def holds(pid: int, data: bytes) -> bool:
    """Whether a process has these bytes, within a piece of its memory."""
    return any(data in piece for piece in memory(pid))
