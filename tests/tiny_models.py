"""A tiny synthetic corpus, and model folders, for tests of compression."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from voicelet.config import to_mapping
from voicelet.text.phones import PhoneInventory

RATE, HOP = 24000, 300


def tiny_cache(
    folder: Path,
    speakers: tuple[str, ...] = ("s0", "s1", "s2"),
    count: int = 9,
    phone_frames: int = 10,
) -> Path:
    """A cache of buzzing "vowels" of different formants, `phone_frames` each."""
    from voicelet_export.corpus.cache import CacheWriter
    from voicelet_export.corpus.reader import Utterance

    writer = CacheWriter(folder)
    voices = np.abs(np.random.default_rng(0).standard_normal((len(speakers), 256)))
    for index in range(count):
        rng = np.random.default_rng(index)
        phones = PhoneInventory().encode("".join(rng.choice(list("aiuAO"), size=6)))
        length = phone_frames * HOP
        time = np.arange(length * len(phones)) / RATE
        f0 = 110.0 + 20.0 * (index % len(speakers))
        wave = np.zeros_like(time)
        for k in range(1, 12):
            gain = np.exp(-((k * f0 - 300.0 - 150.0 * (phones % 8)) ** 2) / 3e5)
            wave += np.repeat(gain, length) * np.cos(2 * np.pi * k * f0 * time)
        wave[:length] = wave[-length:] = 0.0
        samples = (0.1 * wave + 1e-4 * rng.standard_normal(len(wave))).astype(np.float32)
        speaker = index % len(speakers)
        writer.add(
            Utterance(f"u{index}", speakers[speaker], "", samples, RATE, {}),
            voices[speaker].astype(np.float32),
            phones,
            np.full(len(phones), phone_frames),
        )
    writer.close()
    return folder


def save_model(folder: Path, model: Any, cache: Path) -> Path:
    """Write a model as a milestone lies on disk."""
    from safetensors.torch import save_file

    from voicelet_export.corpus.cache import FeatureCache
    from voicelet_export.train.data import load_items, mel_statistics

    folder.mkdir(parents=True)
    save_file(
        {f"average.{k}": v.contiguous() for k, v in model.state_dict().items()},
        folder / "weights.safetensors",
    )
    items, _ = load_items([FeatureCache(cache)], set(), True)
    mean, std = mel_statistics(items)
    statistics = {"mel_mean": mean.tolist(), "mel_std": std.tolist()}
    (folder / "statistics.json").write_text(json.dumps(statistics))
    (folder / "step.json").write_text(json.dumps({"step": 7}))
    (folder / "config.json").write_text(json.dumps({"model": to_mapping(model.config)}))
    return folder
