"""What a teacher says of a corpus, computed once and memory-mapped by every later run.

A store is a folder named by its content: the teacher's weights, the corpus, and what is kept.  Each
field is one flat float16 array (`<field>.npy`), filled utterance by utterance as training asks for
them; `done.npy` tells which are there.  What was just computed is read back from the file, so the
first run and all later ones see the same bits.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from voicelet.audio.features import FloatArray
from voicelet.errors import ConfigError
from voicelet_export.corpus.cache import CacheEntry, FeatureCache
from voicelet_export.train.data import Item

Oracle = Callable[[Item], Mapping[str, FloatArray]]
"""Runs the teacher on one utterance; field → array."""

_FLOAT16_MAX = 65504.0


@dataclass(frozen=True)
class Field:
    """The shape of one thing that is kept of an utterance, by its axes.

    Attributes:
        axes: each "frames", "phones", or a size.
    """

    axes: tuple[str | int, ...]

    def shape(self, entry: CacheEntry) -> tuple[int, ...]:
        """Its shape for one utterance."""
        sizes = {"frames": entry.n_frames, "phones": entry.n_phones}
        return tuple(a if isinstance(a, int) else sizes[a] for a in self.axes)


class TeacherStore:
    """Lazily filled arrays of a teacher's outputs."""

    def __init__(
        self,
        root: Path,
        identity: str,
        fields: Mapping[str, Field],
        items: Sequence[Item],
        oracle: Oracle,
    ) -> None:
        """Open or begin the store of this content.

        Args:
            root: folder of all stores.
            identity: hash of the teacher and of how it is asked, see :func:`teacher_identity`.
            fields: what is kept.
            items: the utterances that will be asked for.
            oracle: called for utterances that aren't there yet.
        """
        self.fields, self.oracle = dict(fields), oracle
        self._places = {self._name(item): place for place, item in enumerate(items)}
        # The corpora are told apart by their content and not by where they lie.
        caches = {id(i.cache): i.cache for i in items}
        described = {
            "teacher": identity,
            "corpora": [corpus_identity(c) for c in caches.values()],
            "utterances": hashlib.sha256(
                "\n".join(i.entry.id for i in items).encode("utf-8")
            ).hexdigest(),
            "fields": {k: list(v.axes) for k, v in sorted(fields.items())},
        }
        text = json.dumps(described, indent=1)
        self.folder = root / hashlib.sha256(text.encode("utf-8")).hexdigest()[:24]
        self.folder.mkdir(parents=True, exist_ok=True)
        self._offsets = {
            name: np.cumsum([0] + [int(np.prod(field.shape(i.entry))) for i in items])
            for name, field in fields.items()
        }
        self._arrays = {
            name: _open(self.folder / f"{name}.npy", int(ends[-1]), np.float16)
            for name, ends in self._offsets.items()
        }
        self._done = _open(self.folder / "done.npy", len(items), np.uint8)
        (self.folder / "store.json").write_text(text + "\n", encoding="utf-8")

    def get(self, item: Item) -> dict[str, FloatArray]:
        """What the teacher says of an utterance; field → float32 array.

        Raises:
            ConfigError: the teacher's output isn't finite or hasn't the declared shape.
        """
        place = self._places[self._name(item)]
        if not self._done[place]:
            for name, value in self.oracle(item).items():
                if value.shape != self.fields[name].shape(item.entry):
                    raise ConfigError(f"the teacher's {name} has the shape {value.shape}")
                if not np.isfinite(value).all():
                    raise ConfigError(
                        f"the teacher's {name} of {item.entry.id} isn't finite; is it trained?"
                    )
                flat = np.clip(value.reshape(-1), -_FLOAT16_MAX, _FLOAT16_MAX)
                ends = self._offsets[name]
                self._arrays[name][ends[place] : ends[place + 1]] = flat
            self._done[place] = 1  # last, so that a cut-off run computes it again
        out = {}
        for name, ends in self._offsets.items():
            kept = self._arrays[name][ends[place] : ends[place + 1]]
            out[name] = np.asarray(kept, np.float32).reshape(self.fields[name].shape(item.entry))
        return out

    def batch(self, items: Sequence[Item]) -> dict[str, Tensor]:
        """Fields of several utterances, zero-padded to one shape; field → [B, …]."""
        rows = [self.get(item) for item in items]
        return {name: pad_stack([row[name] for row in rows]) for name in self.fields}

    @staticmethod
    def _name(item: Item) -> tuple[int, str]:
        return id(item.cache), item.entry.id


def pad_stack(arrays: Sequence[FloatArray]) -> Tensor:
    """Stack arrays of one rank, zero-padded at the end of every axis to the largest."""
    shape = np.max([a.shape for a in arrays], axis=0)
    out = np.zeros((len(arrays), *shape), np.float32)
    for row, array in zip(out, arrays):
        row[tuple(slice(0, n) for n in array.shape)] = array
    return torch.from_numpy(out)


def teacher_identity(model: nn.Module, *how: object) -> str:
    """Hash of a model's weights and of everything else that its outputs depend on."""
    digest = hashlib.sha256(json.dumps([str(h) for h in how]).encode("utf-8"))
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode("utf-8"))
        digest.update(np.ascontiguousarray(value.cpu().numpy()).tobytes())
    return digest.hexdigest()


def corpus_identity(cache: FeatureCache) -> str:
    """Hash of a feature cache's index (its measurements are in it) and the sizes of its arrays."""
    digest = hashlib.sha256((cache.folder / "index.json").read_bytes())
    for path in sorted(cache.folder.glob("*.*[0-9]")):  # mel.f16, audio.i16, …
        digest.update(f"{path.name}:{path.stat().st_size}".encode())
    return digest.hexdigest()


def _open(path: Path, size: int, kind: type[np.generic]) -> npt.NDArray[np.generic]:
    """Map a flat array; a new one is made whole before it takes its name."""
    if not path.exists():
        part = path.with_name(f"{path.stem}.{os.getpid()}.part")
        made = np.lib.format.open_memmap(part, mode="w+", dtype=kind, shape=(max(1, size),))
        made.flush()
        del made
        os.replace(part, path)
    try:
        array: npt.NDArray[np.generic] = np.lib.format.open_memmap(path, mode="r+")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: broken ({error}); delete {path.parent}") from None
    if array.shape != (max(1, size),) or array.dtype != kind:
        raise ConfigError(f"{path}: of another shape than this corpus; delete {path.parent}")
    return array
