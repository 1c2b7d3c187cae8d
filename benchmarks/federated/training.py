"""Local updates of many simulated devices at once, for `benchmarks/federated/`.

What a device does in a round (`voicelet_federated.app.training.train_locally`) is done here for
several devices in one pass of the model: every utterance has an adapter of its own, so that plain
automatic differentiation gives what Opacus gives a device.  A test holds the two to one result.
Updates don't depend on epsilon: they are computed once, kept on the disk, and noised and summed for
each epsilon by the very code that devices and server run.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from voicelet.audio.features import FloatArray
from voicelet.errors import ConfigError
from voicelet.files import atomic_file
from voicelet_export.train.data import Item
from voicelet_export.train.utterances import UtteranceSampler
from voicelet_federated.app.adapter import Adapted
from voicelet_federated.app.config import AdapterSpec, FederationConfig, LocalTraining
from voicelet_federated.app.devices import BaseModel
from voicelet_federated.app.training import _WEIGHTS as WEIGHTS
from voicelet_federated.app.training import utterance_losses

_ROWS = 6  # utterances in one pass, of like length
_FRAMES = 4800
_SPEC = AdapterSpec()


class _EachRow(nn.Module):
    """Stands for the adapter's layer: another adapter for each utterance, [B, size]."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = torch.zeros(0)

    def forward(self, _: Tensor) -> Tensor:
        """The adapters, whatever comes in."""
        return self.rows


class Trainer:
    """A base model and the speech of devices.

    Args:
        base: the model.
        items: of all devices; the speaker of an item names its device.
        spec: of the adapter.
    """

    def __init__(self, base: BaseModel, items: Sequence[Item], spec: AdapterSpec = _SPEC) -> None:
        self.sampler = UtteranceSampler(items, base.info.mel_mean, base.info.mel_std, _FRAMES)
        self.adapted = Adapted(base.model, spec)
        self._each = _EachRow()
        adapted: Any = self.adapted
        adapted.adapter = self._each
        self.size = spec.size

    def adapt(self, rows: Tensor) -> None:
        """Set the adapters of the next pass, one for each of its utterances [B, size]."""
        self._each.rows = rows

    def row_losses(self, items: Sequence[Item], rows: Tensor) -> dict[str, Tensor]:
        """Loss terms of utterances, each under an adapter of its own, [B] each.

        Args:
            items: B utterances.
            rows: [B, size].
        """
        self.adapt(rows)
        batch = self.sampler.collate(items, None)
        return utterance_losses(self.adapted, batch, self.adapted.base.decoder)

    def losses(self, items: Sequence[Item], flat: npt.ArrayLike) -> dict[str, FloatArray]:
        """Loss terms of utterances under one adapter, float32 [n] each, in the order given."""
        found: dict[str, FloatArray] = {}
        with torch.no_grad():
            row = torch.from_numpy(np.array(flat, np.float32))[None]
            for chosen in _alike(items):
                part = [items[i] for i in chosen]
                terms = self.row_losses(part, row.expand(len(part), -1))
                for name, values in terms.items():
                    found.setdefault(name, np.zeros(len(items), np.float32))[chosen] = values
        return found

    def train(
        self,
        devices: Sequence[str],
        start: npt.ArrayLike,
        config: LocalTraining,
        seeds: Sequence[int],
    ) -> FloatArray:
        """The updates of devices, neither clipped to C nor noised.

        Args:
            devices: n names.
            start: the global adapter [size].
            config: as devices are told.
            seeds: of each device's choice of utterances.

        Returns:
            float32 [n, size].

        Raises:
            ConfigError: a device has no speech.
        """
        empty = [d for d in devices if not self.sampler.by_speaker.get(d)]
        if empty:
            raise ConfigError(f"{empty[0]} has no aligned speech")
        begin = torch.from_numpy(np.array(start, np.float32))
        weights = begin.expand(len(devices), -1).clone()
        velocity = torch.zeros_like(weights)
        rngs = [np.random.default_rng(seed) for seed in seeds]
        for _ in range(config.steps):
            rows: list[Item] = []
            owner: list[int] = []
            for number, (name, rng) in enumerate(zip(devices, rngs)):
                own = self.sampler.by_speaker[name]
                count = min(config.utterances, len(own))
                chosen = rng.choice(len(own), size=count, replace=False)
                rows += [own[int(i)] for i in chosen]
                owner += [number] * count
            gradients = self._gradients(rows, weights[owner])
            norms = gradients.norm(dim=1, keepdim=True)
            clipped = gradients * (config.utterance_clip / (norms + 1e-12)).clamp_max(1.0)
            mean = torch.zeros_like(weights).index_add(0, torch.tensor(owner), clipped)
            mean /= torch.bincount(torch.tensor(owner), minlength=len(devices))[:, None]
            velocity = config.momentum * velocity + mean
            weights = weights - config.learning_rate * velocity
        update: FloatArray = (weights - begin).numpy()
        return update

    def _gradients(self, items: Sequence[Item], rows: Tensor) -> Tensor:
        out = torch.zeros_like(rows)
        for chosen in _alike(items):
            leaf = rows[chosen].clone().requires_grad_()
            terms = self.row_losses([items[i] for i in chosen], leaf)
            total = sum((WEIGHTS[k] * v.sum() for k, v in terms.items()), start=torch.zeros(()))
            out[chosen] = torch.autograd.grad(total, leaf)[0]
        return out


def _alike(items: Sequence[Item]) -> Iterator[list[int]]:
    """Positions of utterances in groups of like length, so that little is padded."""
    order = sorted(range(len(items)), key=lambda i: items[i].entry.n_frames)
    for i in range(0, len(order), _ROWS):
        yield order[i : i + _ROWS]


def split_by_utterance(items: Sequence[Item]) -> list[Item]:
    """One device an utterance: its speaker becomes its own id."""
    return [Item(i.cache, replace(i.entry, speaker=i.entry.id)) for i in items]


def seed_of(*parts: object) -> int:
    """A seed that follows from names, the same in every run."""
    text = "\0".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:7], "big")


@dataclass(frozen=True)
class Updates:
    """Updates of one round on the disk, written after every few devices.

    Attributes:
        file: `.npz`.
        key: what they depend on; a file of another key is thrown away.
    """

    file: Path
    key: str

    def load(self) -> dict[str, FloatArray]:
        """Device → update, of those there are."""
        if not self.file.exists():
            return {}
        with np.load(self.file) as saved:
            if str(saved["key"]) != self.key:
                return {}
            return {str(n): u for n, u in zip(saved["names"], saved["updates"])}

    def save(self, updates: Mapping[str, FloatArray]) -> None:
        """Replace the file whole."""
        buffer = io.BytesIO()
        names = sorted(updates)
        np.savez(buffer, key=self.key, names=names, updates=np.stack([updates[n] for n in names]))
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(self.file) as out:
            out.write(buffer.getvalue())


def round_updates(
    trainer: Trainer,
    devices: Sequence[str],
    start: npt.ArrayLike,
    config: LocalTraining,
    kept: Path,
    name: str,
    progress: Callable[[int, int], None] | None = None,
    at_once: int = 8,
) -> FloatArray:
    """Updates of all devices of a round, [n, size], those that are on the disk not again."""
    flat = np.array(start, np.float32)
    key = hashlib.sha256(repr((config, name)).encode() + flat.tobytes()).hexdigest()
    store = Updates(kept / f"{name}.npz", key)
    done = store.load()
    left = [d for d in devices if d not in done]
    # Devices of like amounts of speech together.
    left.sort(key=lambda d: sum(i.entry.n_frames for i in trainer.sampler.by_speaker[d]))
    for i in range(0, len(left), at_once):
        part = left[i : i + at_once]
        found = trainer.train(part, flat, config, [seed_of(name, d) for d in part])
        done |= dict(zip(part, found))
        store.save(done)
        if progress is not None:
            progress(len(devices) - len(left) + i + len(part), len(devices))
    return np.stack([done[d] for d in devices])


def noised_mean(
    updates: npt.ArrayLike, config: FederationConfig, rng: np.random.Generator
) -> FloatArray:
    """What the server learns of a round: clipped, rounded, noised on each device, summed.

    Masks cancel in the sum exactly, so there are none here.

    Args:
        updates: [n, size].
        config: of a run whose cohort is n.
        rng: of the noise.

    Returns:
        float32 [size].
    """
    share = config.share()
    total = np.zeros(share.size, np.int64)
    for update in np.asarray(updates):
        total += share.encode(update, rng)
    mean: FloatArray = (total * share.step / config.cohort).astype(np.float32)
    return mean


def clipped(updates: npt.ArrayLike, clip_norm: float) -> npt.NDArray[np.float64]:
    """Updates whose norms are held to C, float64 [n, size]."""
    values = np.asarray(updates, np.float64)
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return values * np.minimum(1.0, clip_norm / np.maximum(norms, 1e-30))
