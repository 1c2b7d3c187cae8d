"""A corpus of buzzing vowels, for trying out pipelines where no speech is at hand."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from voicelet.audio.features import FloatArray
from voicelet.text.phones import PhoneInventory

RATE_HZ = 24000
UNIT = 600
"""Samples in one unit of the rows' `frames`, as in the corpora that have alignments."""
_UNITS_A_PHONE = 8
_VOWELS = "aiuAO"


def write_synthetic_corpus(
    folder: Path,
    utterances: int,
    speakers: int,
    seed: int = 1,
    aligned: bool = True,
    prefix: str = "",
    least_phones: int = 5,
) -> float:
    """Write a packed corpus (`metadata.jsonl`, `shard-0.tar` of FLAC) with exact alignments.

    Each phone is a harmonic tone with one resonance of its own, at the pitch of its speaker (`s0`,
    `s1`, …), so that models have something to learn.  Equal arguments give equal bytes.

    Args:
        folder: of the corpus.
        utterances, speakers: how many.
        seed: of everything random.
        aligned: whether rows tell phones, durations and f0; without them they are as those of
            recordings, with a text only.
        prefix: of the ids and the speakers' names.
        least_phones: of an utterance, 0.2 s each; it has up to three more.

    Returns:
        Seconds of audio.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows, seconds = [], 0.0
    with tarfile.open(folder / "shard-0.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        for index in range(utterances):
            row, wave = _utterance(index, index % speakers, seed, least_phones)
            row |= {"id": prefix + row["id"], "speaker": prefix + row["speaker"], "shard": 0}
            hidden = () if aligned else ("phonemes", "frames", "f0")
            rows.append({k: v for k, v in row.items() if k not in hidden})
            seconds += row["seconds"]
            audio = io.BytesIO()
            soundfile.write(audio, wave, RATE_HZ, format="FLAC", subtype="PCM_16")
            member = tarfile.TarInfo(f"{row['id']}.flac")
            member.size = len(audio.getvalue())
            tar.addfile(member, io.BytesIO(audio.getvalue()))
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "metadata.jsonl").write_text(lines, encoding="utf-8")
    return seconds


def _utterance(
    index: int, speaker: int, seed: int, least_phones: int
) -> tuple[dict[str, Any], FloatArray]:
    rng = np.random.default_rng((seed, index))
    size = int(rng.integers(least_phones, least_phones + 4))
    phones = "".join(rng.choice(list(_VOWELS), size=size))
    indices = PhoneInventory().encode(phones)  # pads at both ends
    units = np.full(len(indices), _UNITS_A_PHONE)
    n = int(units.sum()) * UNIT
    time = np.arange(n) / RATE_HZ
    f0 = 100.0 + 35.0 * speaker + 10.0 * np.sin(2.0 * np.pi * 1.5 * time)
    phase = 2.0 * np.pi * np.cumsum(f0) / RATE_HZ
    resonance = np.repeat(300.0 + 150.0 * (indices % 17), _UNITS_A_PHONE * UNIT)
    wave = np.zeros(n)
    for k in range(1, 15):
        wave += np.exp(-((k * f0 - resonance) ** 2) / 3e5) * np.cos(k * phase)
    pad = _UNITS_A_PHONE * UNIT
    wave[:pad] = wave[-pad:] = 0.0
    wave = 0.1 * wave + 1e-4 * rng.standard_normal(n)
    row = {
        "id": f"u{index:04d}",
        "speaker": f"s{speaker}",
        "text": " ".join(phones),
        "phonemes": phones,
        "frames": units.tolist(),
        "f0": np.round(f0[:: RATE_HZ // 80], 2).tolist(),
        "seconds": round(n / RATE_HZ, 4),
    }
    return row, wave.astype(np.float32)
