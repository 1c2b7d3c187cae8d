"""Batches for VITS: symbols, audio and speakers of whole utterances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from voicelet.audio.features import FloatArray
from voicelet_export.models.teachers.symbols import SymbolTable, interleave
from voicelet_export.train.data import Item

_NEIGHBOURS = 160


@dataclass(frozen=True)
class VitsBatch:
    """Padded utterances; B rows, N symbols, T frames.

    Attributes:
        ids: int64 [B, N]; `n_symbols` int64 [B].
        audio: [B, T · hop]; `n_frames` int64 [B].
        row: of the speaker table, int64 [B].
        d_vector: the speaker's, [B, 256].
    """

    ids: Tensor
    n_symbols: Tensor
    audio: Tensor
    n_frames: Tensor
    row: Tensor
    d_vector: Tensor

    def to(self, device: torch.device) -> VitsBatch:
        """The same batch on a device."""
        return VitsBatch(**{k: v.to(device) for k, v in self.__dict__.items()})


class VitsSampler:
    """Draws batches of about `max_frames` frames of similar length.

    Utterances shorter than `min_frames`, or than one frame a symbol, are left out.

    Args:
        speakers: names of the table's rows, with the mean d-vector of each; a speaker who isn't
            among them is given the row of the most similar one.
    """

    def __init__(
        self,
        items: Sequence[Item],
        symbols: SymbolTable,
        speakers: dict[str, FloatArray],
        min_frames: int,
        max_frames: int,
    ) -> None:
        self.symbols, self.speakers, self.max_frames = symbols, speakers, max_frames
        fit = [i for i in items if i.entry.n_frames >= max(min_frames, self._count(i))]
        self.items = sorted(fit, key=lambda i: (i.entry.n_frames, i.entry.id))
        lengths = np.array([i.entry.n_frames for i in self.items], np.float64)
        self._weights = lengths / max(1.0, lengths.sum())
        self._own = d_vectors(self.items)
        self._rows = {name: index for index, name in enumerate(speakers)}
        table = np.stack(list(speakers.values())) if speakers else np.zeros((1, 1), np.float32)
        for name, vector in self._own.items():
            if speakers and name not in self._rows:
                self._rows[name] = int(np.argmax(table @ vector))

    def _count(self, item: Item) -> int:
        return item.entry.n_phones * (1 if self.symbols.blank is None else 2) + 1

    def draw(self, rng: np.random.Generator) -> VitsBatch:
        """One training batch."""
        centre = int(rng.choice(len(self.items), p=self._weights))
        low, high = max(0, centre - _NEIGHBOURS), min(len(self.items), centre + _NEIGHBOURS)
        longest = self.items[high - 1].entry.n_frames
        count = max(1, min(high - low, self.max_frames // longest))
        chosen = rng.choice(np.arange(low, high), size=count, replace=False)
        return self.collate([self.items[int(i)] for i in chosen])

    def collate(self, items: Sequence[Item]) -> VitsBatch:
        """Pad utterances into a batch."""
        ids, waves = [], []
        for item in items:
            phones = item.cache.phones(item.entry)
            ids.append(interleave(phones, np.arange(len(phones)), self.symbols.blank).ids)
            waves.append(item.cache.audio(item.entry))
        names = [i.entry.speaker for i in items]
        return VitsBatch(
            ids=_pad(ids),
            n_symbols=torch.tensor([len(i) for i in ids]),
            audio=_pad(waves),
            n_frames=torch.tensor([i.entry.n_frames for i in items]),
            row=torch.tensor([self._rows.get(name, 0) for name in names]),
            d_vector=torch.from_numpy(np.stack([self._own[name] for name in names])),
        )


def d_vectors(items: Sequence[Item]) -> dict[str, FloatArray]:
    """Mean d-vector of each speaker, of unit length, by name in order."""
    sums: dict[str, FloatArray] = {}
    for item in items:
        vector = np.asarray(item.entry.d_vector, np.float32)
        sums[item.entry.speaker] = sums.get(item.entry.speaker, np.float32(0)) + vector
    return {
        name: (sums[name] / max(1e-9, float(np.linalg.norm(sums[name])))).astype(np.float32)
        for name in sorted(sums)
    }


def _pad(arrays: Sequence[np.ndarray]) -> Tensor:  # type: ignore[type-arg]
    longest = max(len(a) for a in arrays)
    out = np.zeros((len(arrays), longest), arrays[0].dtype)
    for row, array in zip(out, arrays):
        row[: len(array)] = array
    return torch.from_numpy(out)
