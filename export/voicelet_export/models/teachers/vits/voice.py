"""A VITS model on disk: the network with its symbols, its speakers and its rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from voicelet.config import from_mapping, to_mapping
from voicelet.errors import BundleError, ConfigError
from voicelet_export.models.teachers.folder import build, read_config, read_weights, save_folder
from voicelet_export.models.teachers.symbols import SymbolTable
from voicelet_export.models.teachers.vits.config import VitsConfig
from voicelet_export.models.teachers.vits.model import Vits
from voicelet_export.models.teachers.weight_norm import fold_weight_norm

TRAINING_ONLY = ("enc_q.", "dp.post_", "dp.flows.1.")
"""How the names of tensors begin that an export for inference lacks."""


@dataclass(frozen=True)
class VitsVoice:
    """What `config.json` of a VITS model folder says.

    Attributes:
        model: sizes.
        sample_rate_hz: of its audio; the hop length is the decoder's.
        symbols: what its text is made of.
        speakers: name → row of the speaker table; a voice of one speaker has `{"": 0}`.
        noise_scale, length_scale, duration_noise_scale: defaults of inference.
        trainable: whether the weights hold the parts that only training needs.
        origin: where it came from, for people.
    """

    model: VitsConfig
    sample_rate_hz: int
    symbols: SymbolTable = field(default_factory=SymbolTable)
    speakers: dict[str, int] = field(default_factory=lambda: {"": 0})
    noise_scale: float = 0.667
    length_scale: float = 1.0
    duration_noise_scale: float = 0.8
    trainable: bool = False
    origin: dict[str, Any] = field(default_factory=dict)
    kind: Literal["vits"] = "vits"

    def __post_init__(self) -> None:
        if not 4000 <= self.sample_rate_hz <= 192_000:
            raise ValueError(f"sample_rate_hz can't be {self.sample_rate_hz}")
        if self.symbols.highest() >= self.model.n_symbols:
            raise ValueError(
                f"the symbols reach id {self.symbols.highest()}, the model knows "
                f"{self.model.n_symbols}"
            )
        rows = max(1, self.model.n_speakers)
        if not self.speakers or any(not 0 <= i < rows for i in self.speakers.values()):
            raise ValueError(f"speakers must be names of rows 0 to {rows - 1} of the table")


def is_training_only(name: str) -> bool:
    """Whether a tensor of this name is needed only to train."""
    return name.startswith(TRAINING_ONLY)


def save_vits(folder: Path, voice: VitsVoice, state: Mapping[str, Tensor]) -> None:
    """Write a model folder; weight norm is folded.

    Raises:
        BundleError: the weights aren't those of `voice.model`.
        OutputError: it can't be written.
    """
    folded = {k: v.detach().float() for k, v in fold_weight_norm(state).items()}
    build(lambda: Vits(voice.model, voice.trainable), folded, str(folder))
    save_folder(folder, to_mapping(voice), folded)


def load_vits(folder: Path, trainable: bool = False) -> tuple[Vits, VitsVoice]:
    """Read a model folder.

    Args:
        trainable: also read the parts that only training needs.

    Returns:
        The model in evaluation mode, and what is known of the voice.

    Raises:
        BundleError: the folder is damaged or of another kind, or lacks what training needs.
    """
    try:
        voice = from_mapping(VitsVoice, read_config(folder, "vits"), str(folder))
    except ConfigError as error:
        raise BundleError(str(error)) from None
    if trainable and not voice.trainable:
        raise BundleError(f"{folder}: an imported voice without a posterior encoder can't be tuned")
    state = read_weights(folder)
    if not trainable:
        state = {k: v for k, v in state.items() if not is_training_only(k)}
    return build(lambda: Vits(voice.model, trainable), state, str(folder)), voice
