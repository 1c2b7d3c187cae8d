"""A FastSpeech 2, Tacotron 2 or DiffWave on disk: its sizes, features, statistics and speakers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import Tensor, nn

from voicelet.audio.features import FeatureConfig, FloatArray
from voicelet.config import from_mapping, to_mapping
from voicelet.errors import BundleError, ConfigError
from voicelet.text.phones import ENGLISH_SYMBOLS
from voicelet_export.models.teachers.diffwave import DiffWave, DiffWaveConfig
from voicelet_export.models.teachers.fft_fastspeech2 import FftFastSpeech2, FftFastSpeech2Config
from voicelet_export.models.teachers.folder import build, read_config, read_weights, save_folder
from voicelet_export.models.teachers.tacotron2 import Tacotron2, Tacotron2Config

Kind = Literal["fastspeech2", "tacotron2", "diffwave"]

_MAKES: dict[str, tuple[type[Any], type[nn.Module]]] = {
    "fastspeech2": (FftFastSpeech2Config, FftFastSpeech2),
    "tacotron2": (Tacotron2Config, Tacotron2),
    "diffwave": (DiffWaveConfig, DiffWave),
}


@dataclass(frozen=True)
class VoiceSpeaker:
    """Somebody a model can speak as.

    Attributes:
        vector: what the model is told; empty for a single speaker.
        log_f0_mean: over voiced frames, natural log of Hz.
    """

    vector: tuple[float, ...]
    log_f0_mean: float


@dataclass(frozen=True)
class MelVoice:
    """What `config.json` of such a model folder says.

    Attributes:
        kind: of the model.
        model: its sizes, as its own configuration takes them.
        features: of the mels that it makes or takes.
        mel_mean, mel_std: by which those are normalized, [n_mels].
        speakers: of an acoustic model, at least one.
        symbols: phone inventory of an acoustic model.
    """

    kind: Kind
    model: dict[str, Any]
    features: FeatureConfig
    mel_mean: tuple[float, ...]
    mel_std: tuple[float, ...]
    speakers: dict[str, VoiceSpeaker] = field(default_factory=dict)
    symbols: str = ENGLISH_SYMBOLS

    def __post_init__(self) -> None:
        sizes = {len(self.mel_mean), len(self.mel_std), self.features.n_mels}
        if len(sizes) != 1:
            raise ValueError("mel_mean and mel_std must hold a number for each mel band")
        if not (np.isfinite(self.mel_mean).all() and min(self.mel_std) > 0.0):
            raise ValueError("mel_mean must be finite and mel_std positive")
        if self.kind != "diffwave" and not self.speakers:
            raise ValueError("an acoustic model needs a speaker at least")

    @property
    def statistics(self) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation, float32 [n_mels]."""
        return np.array(self.mel_mean, np.float32), np.array(self.mel_std, np.float32)

    def model_config(self) -> Any:
        """The configuration of the model.

        Raises:
            ConfigError: it isn't one of this kind.
        """
        config = from_mapping(_MAKES[self.kind][0], self.model, f"{self.kind} model")
        if config.n_mels != self.features.n_mels:
            raise ConfigError(
                f"the model has {config.n_mels} mels, its features {self.features.n_mels}"
            )
        wanted = getattr(config, "speaker_size", 0)
        if any(len(s.vector) != wanted for s in self.speakers.values()):
            raise ConfigError(f"the speakers' vectors must hold {wanted} numbers each")
        return config


def save_mel_voice(folder: Path, voice: MelVoice, state: Mapping[str, Tensor]) -> None:
    """Write a model folder.

    Raises:
        BundleError: the weights aren't those of `voice.model`.
        OutputError: it can't be written.
    """
    weights = {k: v.detach() for k, v in state.items()}
    _make(voice, weights, str(folder))
    save_folder(folder, to_mapping(voice), weights)


def load_mel_voice(folder: Path, *kinds: Kind) -> tuple[Any, MelVoice]:
    """Read a model folder of one of these kinds; the model is in evaluation mode.

    Raises:
        BundleError: the folder is damaged or of another kind.
    """
    for kind in kinds[:-1]:
        try:
            data = read_config(folder, kind)
            break
        except BundleError:
            continue
    else:
        data = read_config(folder, kinds[-1])
    try:
        voice = from_mapping(MelVoice, data, str(folder))
        return _make(voice, read_weights(folder), str(folder)), voice
    except ConfigError as error:
        raise BundleError(f"{folder}: {error}") from None


def _make(voice: MelVoice, state: Mapping[str, Tensor], where: str) -> nn.Module:
    config, kind = voice.model_config(), _MAKES[voice.kind][1]
    return build(lambda: kind(config), state, where)
