"""What the parts of `benchmarks/federated/` share: data, models and files."""

from __future__ import annotations

import argparse
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.federated.training import Trainer, seed_of, split_by_utterance
from voicelet.audio.features import FloatArray
from voicelet.errors import ConfigError
from voicelet.files import atomic_file
from voicelet_export.train.data import Item
from voicelet_federated.app.config import AdapterSpec, FederationConfig, LocalTraining
from voicelet_federated.app.devices import DeviceData, held_out_items, load_base, speakers_of

EPSILONS = (math.inf, 8.0, 3.0, 1.0)
ROUNDS = 3
SMALL, LARGE = 100, 1000
OTHERS, STRANGERS = 60, 150
POOLED_ROWS = 60
ONE_STEP = LocalTraining(steps=1)
# With one round. C is about the median norm of one step.  What the server does with a noised mean
# costs no privacy; its step was chosen on people of the accent outside the small cohort.
ONE_CLIP, SERVER_STEP = 0.35, 8.0
OTHER_ACCENT = "ls_"  # clean recordings of native speakers, to tell accent from sound


def name_of(devices: int, rounds: int, epsilon: float) -> str:
    """A model's name: `n100-r3-e8`, `n1000-r1-einf`."""
    return f"n{devices}-r{rounds}-e{epsilon:g}"


def one_round(devices: int, epsilon: float) -> FederationConfig:
    """A run of one round, that every device joins."""
    return FederationConfig(
        rounds=1, joins=1, epsilon=epsilon, clip_norm=ONE_CLIP, cohort=devices, local=ONE_STEP
    )


class Bench:
    """What all parts of the benchmark share.

    Args:
        args: of the command line.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.out: Path = args.out
        self.cache, self.held_out = args.cache, args.held_out
        self.accent: str = args.accent
        self.base = load_base(args.base)
        self.spec = AdapterSpec()
        self.speakers = speakers_of(args.cache, args.held_out, args.accent)
        self.items = self.speech(self.speakers)
        self.utterances = split_by_utterance(self.items)

    def speech(self, speakers: Sequence[str]) -> list[Item]:
        """Aligned utterances of speakers."""
        return [i for s in speakers for i in DeviceData(self.cache, s).items]

    def held_out_speech(self, accent: str) -> list[Item]:
        """Aligned utterances of held-out speakers."""
        return held_out_items(self.cache, self.held_out, accent)

    def trainer(self, items: Sequence[Item]) -> Trainer:
        """Of some speech."""
        return Trainer(self.base, items, self.spec)

    @property
    def zeros(self) -> FloatArray:
        """The adapter that every run begins with."""
        return np.zeros(self.spec.size, np.float32)

    def large_cohort(self, size: int) -> tuple[list[str], list[str]]:
        """(devices of one utterance each that take part, those that don't), drawn by a seed."""
        names = sorted(i.entry.speaker for i in self.utterances)
        order = np.random.default_rng(seed_of("cohort")).permutation(len(names))
        if len(names) <= size:
            raise ConfigError(f"{len(names)} utterances don't make {size} devices and others")
        return [names[i] for i in order[:size]], [names[i] for i in order[size:]]


def save_models(file: Path, models: Mapping[str, npt.ArrayLike]) -> None:
    """Add adapters to a file of them, replaced whole."""
    arrays = load_models(file) | {k: np.asarray(v, np.float32) for k, v in models.items()}
    buffer = io.BytesIO()
    np.savez(buffer, **{k: arrays[k] for k in sorted(arrays)})  # type: ignore[arg-type]
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(file) as out:
        out.write(buffer.getvalue())


def load_models(file: Path) -> dict[str, FloatArray]:
    """Adapters by name; none where there is no file."""
    if not file.exists():
        return {}
    with np.load(file) as saved:
        return {name: np.asarray(saved[name], np.float32) for name in saved.files}


def save_json(file: Path, value: object) -> None:
    """Replace a JSON file whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(file) as out:
        out.write(json.dumps(value, indent=1).encode())


def pooled(trainer: Trainer, name: str, steps: int, rows: int, local: LocalTraining) -> FloatArray:
    """Train the same adapter on everybody's speech in one place: one device that holds it all."""
    sampler = trainer.sampler
    whole = sampler.by_speaker
    sampler.by_speaker = {**whole, name: sampler.items}  # type: ignore[assignment]
    config = replace(local, steps=steps, utterances=rows)
    flat: FloatArray = trainer.train([name], np.zeros(trainer.size), config, [seed_of(name)])[0]
    sampler.by_speaker = whole
    return flat
