"""Which token each frame belongs to: a small convolutional classifier, for forced alignment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from voicelet.audio.features import FloatArray
from voicelet.speaker.phone_posteriors import mel_posteriors, normalize_bands
from voicelet.text.phones import ENGLISH_SYMBOLS


@dataclass(frozen=True)
class AlignerConfig:
    """Sizes of the classifier.

    Attributes:
        n_bands: mel bands it sees, from the lowest; 70 end below 7.6 kHz, so that recordings at
            16 kHz look like those at 24 kHz.
        channels: width of every layer.
        kernel: frames a layer's filter spans, before its dilation.
        dilations: one layer each.  The reach has to cover the silence that the teacher counts as
            part of the last phone before a pause, some 30 frames.
        classes: symbols of the phone inventory.
    """

    n_bands: int = 70
    channels: int = 128
    kernel: int = 5
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    classes: int = len(ENGLISH_SYMBOLS)


class FrameClassifier(nn.Module):
    """Log mel bands in, log posteriors of the symbols out, one a frame.

    Dilated convolutions with residuals, after Waibel et al. (1989, time-delay networks) and the
    framewise models that Viterbi alignment has used since Bourlard & Morgan (1994).
    """

    log_prior: Tensor

    def __init__(self, config: AlignerConfig = AlignerConfig()) -> None:
        super().__init__()
        self.config = config
        width, kernel = config.channels, config.kernel
        self.first = nn.Conv1d(config.n_bands, width, kernel, padding=kernel // 2)
        self.layers = nn.ModuleList(
            nn.Conv1d(width, width, kernel, padding=kernel // 2 * d, dilation=d)
            for d in config.dilations
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in range(len(self.layers) + 1))
        self.out = nn.Conv1d(width, config.classes, 1)
        self.register_buffer("log_prior", torch.zeros(config.classes))

    def forward(self, bands: Tensor) -> Tensor:
        """Classify `bands` [B, T, n_bands] (normalized); returns log posteriors [B, T, classes]."""
        x = torch.relu(self.norms[0](self.first(bands.transpose(1, 2))))
        for layer, norm in zip(self.layers, list(self.norms)[1:]):
            x = x + torch.relu(norm(layer(x)))
        logits: Tensor = self.out(x).transpose(1, 2)
        return logits.log_softmax(dim=-1)


def save_aligner(model: FrameClassifier, path: Path) -> None:
    """Write weights and sizes to a safetensors file, as float16."""
    from safetensors.torch import save_file

    c = model.config
    meta = {"n_bands": c.n_bands, "channels": c.channels, "kernel": c.kernel, "classes": c.classes}
    text = {k: str(v) for k, v in meta.items()}
    text["dilations"] = ",".join(str(d) for d in c.dilations)
    state = {
        name: value.to(torch.float16) if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, str(path), metadata=text)


def load_aligner(path: Path) -> FrameClassifier:
    """Read what :func:`save_aligner` wrote; returns the model ready to classify."""
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        meta = file.metadata()
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    config = AlignerConfig(
        n_bands=int(meta["n_bands"]),
        channels=int(meta["channels"]),
        kernel=int(meta["kernel"]),
        dilations=tuple(int(d) for d in meta["dilations"].split(",")),
        classes=int(meta["classes"]),
    )
    model = FrameClassifier(config)
    model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    return model.eval()


class FramePosteriors:
    """From a log mel to what the Viterbi search needs, in numpy."""

    def __init__(self, model: FrameClassifier) -> None:
        self.model = model.eval()
        self.log_prior: FloatArray = model.log_prior.numpy().astype(np.float32)

    @torch.no_grad()
    def __call__(self, log_mel: FloatArray) -> FloatArray:
        """Log posteriors [frames, classes] of `log_mel` [frames, n_mels]."""
        bands = normalize_bands(log_mel, self.model.config.n_bands)
        found: FloatArray = self.model(torch.from_numpy(bands)[None])[0].numpy()
        return found


class PackagedPosteriors:
    """The same from the classifier that the runtime ships, whose weights are int8."""

    def __init__(self) -> None:
        self.log_prior: FloatArray = mel_posteriors(np.zeros((8, 80), np.float32))[1]

    def __call__(self, log_mel: FloatArray) -> FloatArray:
        """Log posteriors [frames, classes] of `log_mel` [frames, n_mels]."""
        return mel_posteriors(log_mel)[0]
