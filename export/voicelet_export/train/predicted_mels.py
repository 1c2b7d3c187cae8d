"""A copy of a feature cache with the mels that an acoustic model predicts.

The vocoder is tuned on them (ground-truth alignment: true durations, f0 and energy, so that audio
and mel still match), and so learns to speak from what it will really be given.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch

from voicelet_export.corpus.cache import FeatureCache
from voicelet_export.models.blocks import length_mask
from voicelet_export.models.fastspeech2 import expand_frames
from voicelet_export.train.checkpoint import load_acoustic
from voicelet_export.train.data import load_items
from voicelet_export.train.utterances import UtteranceSampler

_REFERENCE_FRAMES = 480


def predict_cache(acoustic_run: Path, cache_folder: Path, out: Path, batch: int = 8) -> int:
    """Write `out`, a cache whose mels come from the averaged model of `acoustic_run`.

    Everything but the mels is linked, not copied.  Utterances without an alignment keep their own
    mels.

    Returns:
        Utterances predicted.
    """
    model, run = load_acoustic(acoustic_run, plain=False)
    cache = FeatureCache(cache_folder)
    out.mkdir(parents=True, exist_ok=True)
    for file in cache_folder.iterdir():
        if file.is_file() and file.name not in ("mel.f16", "index.json"):
            (out / file.name).unlink(missing_ok=True)
            os.link(file, out / file.name)
    mels = np.array(np.fromfile(cache_folder / "mel.f16", np.float16))
    mels = mels.reshape(-1, cache.features.n_mels)
    mean, std = np.asarray(run.mel_mean, np.float32), np.asarray(run.mel_std, np.float32)
    items, _ = load_items([cache], set(), aligned=True)
    frames = _REFERENCE_FRAMES if model.config.timbre_tokens else 0
    sampler = UtteranceSampler(items, mean, std, 0, reference_frames=frames)
    for start in range(0, len(sampler.items), batch):
        chosen = sampler.items[start : start + batch]
        rows = sampler.collate(chosen, None)
        longest = rows.mel.shape[1]
        keep_phones = length_mask(rows.n_phones, rows.phones.shape[1])
        keep = length_mask(rows.n_frames, longest)
        with torch.no_grad():
            tokens = model.encoder.voice_tokens(rows.reference, rows.n_reference)
            hidden, _, _, _, condition = model.encoder(
                rows.phones, rows.speaker, keep_phones, tokens, rows.language
            )
            frames = expand_frames(hidden, rows.pitch, rows.energy, rows.durations, longest)
            given = (rows.log_f0, rows.voicing)
            mel, _, _ = model.decoder(frames, condition, rows.log_f0_mean, keep, given)
        for item, row in zip(chosen, mel.numpy()):
            first, count = item.entry.first_frame, item.entry.n_frames
            mels[first : first + count] = row[:count] * std + mean
    mels.tofile(out / "mel.f16")
    index = out / "index.json"
    index.unlink(missing_ok=True)
    os.link(cache_folder / "index.json", index)
    return len(sampler.items)
