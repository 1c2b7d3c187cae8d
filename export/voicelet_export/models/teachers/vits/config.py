"""Sizes of a VITS model."""

from __future__ import annotations

from dataclasses import dataclass, field

from voicelet_export.models.teachers.hifigan.generator import HifiganConfig

_RANGES = {
    "n_symbols": (1, 65536), "channels": (2, 2048), "latent": (2, 2048), "filter": (1, 8192),
    "heads": (1, 64), "layers": (1, 48), "kernel": (1, 31), "window": (1, 64),
    "n_speakers": (0, 1_000_000), "speaker_channels": (0, 4096), "spectrum_bins": (2, 16385),
    "couplings": (1, 32), "coupling_layers": (1, 64), "coupling_kernel": (1, 31),
    "dilation_rate": (1, 4), "posterior_layers": (1, 64), "duration_filter": (1, 4096),
    "duration_kernel": (1, 31), "duration_flows": (2, 32), "spline_bins": (2, 64),
}  # fmt: skip


def _decoder() -> HifiganConfig:
    return HifiganConfig(n_mels=192, last_bias=False)


@dataclass(frozen=True)
class VitsConfig:
    """Sizes of VITS; the defaults are those of the paper (and of Coqui).

    Attributes:
        n_symbols: of the text.
        channels, filter, heads, layers, kernel, window: of the text encoder; `window` is how far
            relative positions are told apart.
        latent: channels of the latent that the decoder turns into sound.
        n_speakers: rows of the speaker table; 0 without one.
        speaker_channels: of a speaker's vector; 0 for a voice of one speaker.
        speaker_durations: whether the duration predictor is told the speaker.
        stochastic_durations: durations are sampled by flows; else regressed.
        duration_filter, duration_kernel, duration_dropout, duration_flows: of the duration
            predictor (`duration_filter` of the regressing one only).
        duration_epsilon: of the regressing predictor's layer norms.
        spline_bins, spline_bound: of the duration flows.
        couplings, coupling_layers, coupling_kernel, dilation_rate: of the prior's flow.
        spectrum_bins, posterior_layers: of the posterior encoder, which only training needs.
        dropout: of the text encoder.
        decoder: the HiFi-GAN that makes the waveform; its hop length is that of the model.
    """

    n_symbols: int = 178
    channels: int = 192
    latent: int = 192
    filter: int = 768
    heads: int = 2
    layers: int = 6
    kernel: int = 3
    window: int = 4
    dropout: float = 0.1
    n_speakers: int = 0
    speaker_channels: int = 0
    speaker_durations: bool = True
    stochastic_durations: bool = True
    duration_filter: int = 256
    duration_kernel: int = 3
    duration_dropout: float = 0.5
    duration_flows: int = 4
    duration_epsilon: float = 1e-5
    spline_bins: int = 10
    spline_bound: float = 5.0
    couplings: int = 4
    coupling_layers: int = 4
    coupling_kernel: int = 5
    dilation_rate: int = 1
    spectrum_bins: int = 513
    posterior_layers: int = 16
    decoder: HifiganConfig = field(default_factory=_decoder)

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} must lie between {low} and {high}, not {value}")
        if self.channels % self.heads or self.latent % 2:
            raise ValueError("channels must be a multiple of heads, and latent even")
        if not (self.kernel % 2 and self.duration_kernel % 2 and self.coupling_kernel % 2):
            raise ValueError("kernels must be odd")
        if self.n_speakers and not self.speaker_channels:
            raise ValueError("a model with a speaker table needs speaker_channels")
        if self.decoder.n_mels != self.latent:
            raise ValueError("decoder.n_mels must equal latent, which the decoder is given")
        if self.decoder.speaker_channels != self.speaker_channels:
            raise ValueError("decoder.speaker_channels must equal speaker_channels")
