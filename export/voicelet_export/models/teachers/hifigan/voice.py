"""A HiFi-GAN on disk: the generator with the mel spectrograms that it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from voicelet.audio.features import FeatureConfig
from voicelet.config import from_mapping, to_mapping
from voicelet.errors import BundleError, ConfigError
from voicelet_export.models.teachers.folder import build, read_config, read_weights, save_folder
from voicelet_export.models.teachers.hifigan.generator import HifiganConfig, HifiganGenerator
from voicelet_export.models.teachers.weight_norm import fold_weight_norm


@dataclass(frozen=True)
class HifiganVoice:
    """What `config.json` of a HiFi-GAN model folder says.

    Attributes:
        model: sizes.
        features: of its input: natural-log mels, not normalized.
        origin: where it came from, for people.
    """

    model: HifiganConfig
    features: FeatureConfig
    origin: dict[str, Any] = field(default_factory=dict)
    kind: Literal["hifigan"] = "hifigan"

    def __post_init__(self) -> None:
        if self.model.hop_length != self.features.hop_length:
            raise ValueError(
                f"the upsampling rates multiply to {self.model.hop_length}, the hop length is "
                f"{self.features.hop_length}"
            )
        if self.model.n_mels != self.features.n_mels:
            raise ValueError(
                f"the model takes {self.model.n_mels} mels, the features have "
                f"{self.features.n_mels}"
            )


def save_hifigan(folder: Path, voice: HifiganVoice, state: Mapping[str, Tensor]) -> None:
    """Write a model folder; weight norm is folded.

    Raises:
        BundleError: the weights aren't those of `voice.model`.
        OutputError: it can't be written.
    """
    folded = {k: v.detach().float() for k, v in fold_weight_norm(state).items()}
    build(lambda: HifiganGenerator(voice.model), folded, str(folder))
    save_folder(folder, to_mapping(voice), folded)


def load_hifigan(folder: Path) -> tuple[HifiganGenerator, HifiganVoice]:
    """Read a model folder; the generator is in evaluation mode.

    Raises:
        BundleError: the folder is damaged or of another kind.
    """
    try:
        voice = from_mapping(HifiganVoice, read_config(folder, "hifigan"), str(folder))
    except ConfigError as error:
        raise BundleError(str(error)) from None
    model = build(lambda: HifiganGenerator(voice.model), read_weights(folder), str(folder))
    return model, voice
