"""A tiny corpus for tests of teachers: every phone is a chord of its own, spaces are silent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from voicelet.text.phones import ENGLISH_SYMBOLS, PhoneInventory
from voicelet_export.corpus.cache import CacheWriter, FeatureCache
from voicelet_export.corpus.reader import Utterance
from voicelet_export.teach.label import LabelConfig, label_corpus
from voicelet_export.train.data import Item, mel_statistics

ENCODER = Path(__file__).parents[1] / "export/artifacts/speaker_encoder/speaker_encoder.onnx"

RATE, HOP = 24000, 300
RESONANCES_HZ = {"b": 350.0, "a": 700.0, "d": 1200.0, "i": 1900.0, "m": 2900.0, "u": 4200.0}


def text(index: int) -> str:
    """Two words of two different sounds each."""
    drawn = np.random.default_rng((7, index)).permutation(list(RESONANCES_HZ))
    return f"{drawn[0]}{drawn[1]} {drawn[2]}{drawn[3]}"


def write_corpus(folder: Path, count: int = 12, aligned: bool = True) -> FeatureCache:
    """Utterances of three speakers (s2 to be held out) whose phones last 4 to 14 frames."""
    writer = CacheWriter(folder)
    voices = np.abs(np.random.default_rng(0).standard_normal((3, 256))).astype(np.float32)
    for index in range(count):
        rng = np.random.default_rng(index)
        phones = PhoneInventory().encode(text(index))
        durations = rng.integers(4, 15, len(phones))
        f0 = 110.0 + 25.0 * (index % 3)
        wave = np.concatenate([_sound(int(p), int(d), f0) for p, d in zip(phones, durations)])
        wave = wave + rng.normal(0.0, 1e-3, len(wave))
        writer.add(
            Utterance(f"u{index}", f"s{index % 3}", "", wave.astype(np.float32), RATE, {}),
            voices[index % 3],
            phones,
            durations if aligned else None,
        )
    writer.close()
    return FeatureCache(folder)


def _sound(phone: int, frames: int, f0: float) -> np.ndarray:
    time = np.arange(frames * HOP) / RATE
    if ENGLISH_SYMBOLS[phone] in "_ ":
        return np.zeros(len(time))
    resonance = RESONANCES_HZ[ENGLISH_SYMBOLS[phone]]
    wave = np.zeros(len(time))
    for k in range(1, 50):
        wave += np.exp(-(((k * f0 - resonance) / 300.0) ** 2)) * np.cos(2 * np.pi * k * f0 * time)
    return 0.2 * wave


def label(teacher: Any, out: Path) -> FeatureCache:
    """Have a teacher label two sentences, and hold the cache to what the label command promises."""
    config = LabelConfig(hours=0.0006, held_out_every=2)
    phones = [text(0), text(1)]
    assert label_corpus(teacher, phones, out, ENCODER, config) == 2
    cache = FeatureCache(out)
    for entry in cache.entries:
        assert PhoneInventory().decode(cache.phones(entry)) in phones
        durations = cache.durations(entry)
        assert durations.sum() == entry.n_frames
        assert durations.min() >= 1
        assert np.abs(cache.audio(entry)).max() > 0.0
    return cache


Split = tuple[list[Item], list[Item], np.ndarray, np.ndarray]


def split(cache: FeatureCache) -> Split:
    """Training items, held-out items, mel mean, mel standard deviation."""
    items = [Item(cache, entry) for entry in cache.entries]
    train = [i for i in items if i.entry.speaker != "s2"]
    valid = [i for i in items if i.entry.speaker == "s2"]
    return train, valid, *mel_statistics(train)
