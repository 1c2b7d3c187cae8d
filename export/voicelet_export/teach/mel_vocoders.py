"""Vocoders that a teacher of mels can speak through: HiFi-GAN, DiffWave, or the device's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from voicelet.audio.features import FeatureConfig, FloatArray
from voicelet.errors import BundleError
from voicelet_export.models.teachers.folder import CONFIG


class MelVocoder(Protocol):
    """Makes waveforms of mels."""

    @property
    def features(self) -> FeatureConfig:
        """Of the mels that it takes."""

    def wave(
        self, log_mel: FloatArray, log_f0: FloatArray, voicing: FloatArray, seed: int
    ) -> FloatArray:
        """Make a waveform.

        Args:
            log_mel: natural log [T, n_mels], not normalized.
            log_f0, voicing: [T]; natural log of Hz, and 0 or 1.
            seed: of all randomness.

        Returns:
            float32 [T · hop_length] in [-1, 1].
        """


def open_mel_vocoder(folder: Path) -> MelVocoder:
    """Open a model folder of HiFi-GAN or DiffWave, or the run of a `vocoder` training.

    Raises:
        BundleError: the folder is none of these, or damaged.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        kind = config.get("kind")
    except (OSError, ValueError, AttributeError) as error:
        raise BundleError(
            f"{folder}: not the folder of a vocoder ({error}); make one with `voicelet-export "
            "train vocoder|diffwave|hifigan` or `voicelet-export import hifigan`"
        ) from None
    if kind == "hifigan":
        return HifiganVocoder(folder)
    if kind == "diffwave":
        return DiffWaveVocoder(folder)
    if kind is None:
        return VocosVocoder(folder)
    raise BundleError(f"{folder}: a model of kind {kind!r}, which is no vocoder of mels")


class HifiganVocoder:
    """HiFi-GAN from its model folder; it follows the mel alone."""

    def __init__(self, folder: Path) -> None:
        from voicelet_export.models.teachers.hifigan.voice import load_hifigan

        self._model, voice = load_hifigan(folder)
        self.features = voice.features

    @torch.no_grad()
    def wave(
        self, log_mel: FloatArray, log_f0: FloatArray, voicing: FloatArray, seed: int
    ) -> FloatArray:
        """See :class:`MelVocoder`."""
        return _finish(self._model(torch.from_numpy(log_mel.T[None].copy()))[:, 0])


class DiffWaveVocoder:
    """DiffWave from its model folder, in its fast schedule; it follows the mel alone."""

    def __init__(self, folder: Path) -> None:
        from voicelet_export.models.teachers.mel_voice import load_mel_voice

        self._model, voice = load_mel_voice(folder, "diffwave")
        self.features = voice.features
        self._mean, self._std = voice.statistics

    @torch.no_grad()
    def wave(
        self, log_mel: FloatArray, log_f0: FloatArray, voicing: FloatArray, seed: int
    ) -> FloatArray:
        """See :class:`MelVocoder`."""
        mel = torch.from_numpy((log_mel - self._mean) / self._std)[None]
        return _finish(self._model.sample(mel, torch.Generator().manual_seed(seed)))


class VocosVocoder:
    """The source-filter vocoder of the device, from the folder of its run or milestone."""

    def __init__(self, folder: Path) -> None:
        from voicelet_export.train.checkpoint import load_vocoder

        self._model, info = load_vocoder(folder)
        self._model.eval()
        self.features = FeatureConfig()
        self._mean, self._std = info.mel_mean, info.mel_std

    @torch.no_grad()
    def wave(
        self, log_mel: FloatArray, log_f0: FloatArray, voicing: FloatArray, seed: int
    ) -> FloatArray:
        """See :class:`MelVocoder`."""
        from voicelet_export.models.vocos import harmonic_source, synthesize

        config, hop = self._model.config, self.features.hop_length
        mel = torch.from_numpy((log_mel - self._mean) / self._std)[None]
        f0, voiced = torch.from_numpy(log_f0)[None], torch.from_numpy(voicing)[None]
        draw = torch.Generator().manual_seed(seed)
        phase = torch.rand(1, 1, generator=draw)
        harmonic = harmonic_source(f0, voiced, hop, self.features.sample_rate_hz, phase)
        noise = torch.randn(harmonic.shape, generator=draw) / (0.375 * config.fft_size) ** 0.5
        filters = self._model(mel, f0, voiced)
        return _finish(synthesize(filters, harmonic, noise, config, self.features))


def _finish(wave: Tensor) -> FloatArray:
    samples: FloatArray = wave[0].clamp(-1.0, 1.0).numpy().astype(np.float32)
    return samples
