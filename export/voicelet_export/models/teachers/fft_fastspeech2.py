"""FastSpeech 2 as published (Ren et al. 2021), with a learned aligner; a teacher, not the student.

Feed-forward Transformer blocks, explicit duration, pitch and energy per phone, and speakers by a
vector.  Two things are added to the paper: the aligner, so that no labelled durations are needed,
and a head for f0 and voicing, so that a source-filter vocoder can follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from voicelet_export.models.blocks import length_mask
from voicelet_export.models.fastspeech2 import PITCH_SCALE, expand_frames
from voicelet_export.models.teachers.learned_aligner import LearnedAligner
from voicelet_export.models.teachers.mel_layers import (
    SOURCE_FEATURES,
    PostNet,
    SpeakerProjection,
    sinusoids,
)

_LONGEST_PHONE = 400
"""Frames (5 s): an untrained predictor must not ask for more memory than there is."""


@dataclass(frozen=True)
class FftFastSpeech2Config:
    """Sizes; the defaults are the paper's (appendix A).

    Attributes:
        speaker_size: length of the speaker vector; 0 for a single speaker.
        encoder_blocks, decoder_blocks, heads, channels, hidden, kernel: of the FFT blocks; `hidden`
            and `kernel` are those of the first convolution of their feed-forward part.
        dropout: in the blocks; `predictor_dropout` in the predictors.
        predictor_channels, predictor_kernel: of the duration, pitch and energy predictors.
        variance: how pitch and energy enter: looked up by `bins` as in the paper, or by a
            convolution over the values ("continuous", as in FastPitch; Łańcucki 2021).
        bins: over `variance_range`, in units of the features (pitch is logarithmic already).
        postnet_layers: 0 for none (the paper has none); Tacotron 2 has 5.
        aligner_channels, aligner_temperature: see `LearnedAligner`.
    """

    n_symbols: int = 64
    n_mels: int = 80
    speaker_size: int = 328
    encoder_blocks: int = 4
    decoder_blocks: int = 4
    heads: int = 2
    channels: int = 256
    hidden: int = 1024
    kernel: int = 9
    dropout: float = 0.1
    predictor_channels: int = 256
    predictor_kernel: int = 3
    predictor_dropout: float = 0.5
    variance: Literal["bins", "continuous"] = "bins"
    bins: int = 256
    variance_range: tuple[float, float] = (-4.0, 4.0)
    postnet_layers: int = 0
    postnet_channels: int = 512
    aligner_channels: int = 80
    aligner_temperature: float = 0.0005

    def __post_init__(self) -> None:
        if self.channels < 2 or self.channels % (2 * self.heads):
            raise ValueError("channels must be a multiple of twice the heads")
        if self.kernel % 2 == 0 or self.predictor_kernel % 2 == 0:
            raise ValueError("kernels must be odd")
        if self.bins < 2 or self.variance_range[0] >= self.variance_range[1]:
            raise ValueError("variance_range must rise over at least 2 bins")
        if self.postnet_layers == 1 or self.speaker_size < 0:
            raise ValueError("postnet_layers can't be 1, nor speaker_size negative")


class FftBlock(nn.Module):
    """Self-attention and two convolutions, each with residual and layer norm (FastSpeech)."""

    def __init__(self, config: FftFastSpeech2Config) -> None:
        super().__init__()
        c = config
        self.attention = nn.MultiheadAttention(
            c.channels, c.heads, dropout=c.dropout, batch_first=True
        )
        self.attention_norm = nn.LayerNorm(c.channels)
        self.expand = nn.Conv1d(c.channels, c.hidden, c.kernel, padding=c.kernel // 2)
        self.contract = nn.Conv1d(c.hidden, c.channels, 1)
        self.norm = nn.LayerNorm(c.channels)
        self.dropout = nn.Dropout(c.dropout)

    def forward(self, x: Tensor, keep: Tensor) -> Tensor:
        """Transform `x` [B, T, C]; `keep` [B, T, 1] masks padding."""
        hidden = keep.squeeze(-1) == 0
        y, _ = self.attention(x, x, x, key_padding_mask=hidden, need_weights=False)
        x = self.attention_norm(x + self.dropout(y)) * keep
        y = self.contract(torch.relu(self.expand(x.transpose(1, 2)))).transpose(1, 2)
        normed: Tensor = self.norm(x + self.dropout(y)) * keep
        return normed


class VariancePredictor(nn.Module):
    """Two convolutions with ReLU, layer norm and dropout, then a number a phone (section 2.3)."""

    def __init__(self, config: FftFastSpeech2Config) -> None:
        super().__init__()
        c = config
        widths = (c.channels, c.predictor_channels, c.predictor_channels)
        self.convs = nn.ModuleList(
            nn.Conv1d(a, b, c.predictor_kernel, padding=c.predictor_kernel // 2)
            for a, b in pairwise(widths)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(b) for b in widths[1:])
        self.dropout = nn.Dropout(c.predictor_dropout)
        self.out = nn.Linear(c.predictor_channels, 1)

    def forward(self, x: Tensor, keep: Tensor) -> Tensor:
        """[B, N, C] → [B, N]."""
        for conv, norm in zip(self.convs, self.norms):
            x = torch.relu(conv((x * keep).transpose(1, 2))).transpose(1, 2)
            x = self.dropout(norm(x))
        return self.out(x).squeeze(-1) * keep.squeeze(-1)


class VarianceEmbedding(nn.Module):
    """A value a phone → `channels`, by bins or by a convolution."""

    edges: Tensor

    def __init__(self, config: FftFastSpeech2Config) -> None:
        super().__init__()
        self.binned = config.variance == "bins"
        if self.binned:
            edges = torch.linspace(*config.variance_range, config.bins - 1)
            self.register_buffer("edges", edges)
            self.table = nn.Embedding(config.bins, config.channels)
            nn.init.normal_(self.table.weight, std=config.channels**-0.5)
        else:
            self.conv = nn.Conv1d(1, config.channels, 3, padding=1)

    def forward(self, values: Tensor) -> Tensor:
        """[B, N] → [B, N, C]."""
        if self.binned:
            found: Tensor = self.table(torch.bucketize(values.contiguous(), self.edges))
            return found
        return self.conv(values.unsqueeze(1)).transpose(1, 2)


class Variances(NamedTuple):
    """Of each phone, all [B, N]; pitch and energy in the student's units."""

    log_duration: Tensor
    pitch: Tensor
    energy: Tensor


class Frames(NamedTuple):
    """What is decoded: mels [B, T, n_mels] before and after the PostNet, and the source.

    `pitch` [B, T] is log f0 minus the speaker's mean, in units of 0.25; `voicing` [B, T] logits.
    """

    coarse: Tensor
    mel: Tensor
    pitch: Tensor
    voicing: Tensor


class FftFastSpeech2(nn.Module):
    """Phones and a speaker → mel, with durations, pitch and energy in between."""

    def __init__(self, config: FftFastSpeech2Config = FftFastSpeech2Config()) -> None:
        super().__init__()
        self.config = c = config
        self.embed = nn.Embedding(c.n_symbols, c.channels)
        self.encoder = nn.ModuleList(FftBlock(c) for _ in range(c.encoder_blocks))
        self.speaker = SpeakerProjection(c.speaker_size, c.channels)
        self.aligner = LearnedAligner(
            c.channels, c.n_mels, c.aligner_channels, c.aligner_temperature
        )
        self.duration, self.pitch = VariancePredictor(c), VariancePredictor(c)
        self.energy = VariancePredictor(c)
        self.pitch_embed, self.energy_embed = VarianceEmbedding(c), VarianceEmbedding(c)
        self.decoder = nn.ModuleList(FftBlock(c) for _ in range(c.decoder_blocks))
        self.mel_head = nn.Linear(c.channels, c.n_mels)
        self.source_head = nn.Linear(c.channels, SOURCE_FEATURES)
        self.postnet = (
            PostNet(c.n_mels, c.postnet_channels, 5, c.postnet_layers, 0.5)
            if c.postnet_layers
            else None
        )

    def encode(self, phones: Tensor, speaker: Tensor, keep: Tensor) -> Tensor:
        """Hidden states of phones, the speaker added.

        Args:
            phones: int64 [B, N], pads at both ends of each.
            speaker: [B, speaker_size].
            keep: [B, N, 1], ones where there are phones.

        Returns:
            [B, N, C].
        """
        x = self.embed(phones)
        x = (x + sinusoids(x.shape[1], x.shape[2], x)) * keep
        for block in self.encoder:
            x = block(x, keep)
        return (x + self.speaker(speaker).unsqueeze(1)) * keep

    def align(
        self, phones: Tensor, mel: Tensor, keep: Tensor, log_prior: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Logits and log-attention, [B, T, N] each; see :class:`LearnedAligner`."""
        found: tuple[Tensor, Tensor] = self.aligner(self.embed(phones), mel, keep, log_prior)
        return found

    def variances(self, hidden: Tensor, keep: Tensor) -> Variances:
        """Predict durations, pitch and energy of hidden states [B, N, C]."""
        return Variances(
            self.duration(hidden, keep), self.pitch(hidden, keep), self.energy(hidden, keep)
        )

    def decode(
        self, hidden: Tensor, pitch: Tensor, energy: Tensor, durations: Tensor
    ) -> tuple[Frames, Tensor]:
        """Decode phones whose prosody is known.

        Args:
            hidden: [B, N, C].
            pitch, energy: [B, N].
            durations: int64 [B, N], frames; 0 for padding.

        Returns:
            the frames, and their mask [B, T, 1].
        """
        adapted = hidden + self.pitch_embed(pitch) + self.energy_embed(energy)
        n_frames = durations.sum(dim=1)
        keep = length_mask(n_frames, int(n_frames.max()))
        # The length regulator of the student also appends its own features; they aren't used.
        x = expand_frames(adapted, pitch, energy, durations, keep.shape[1])[..., : hidden.shape[2]]
        x = (x + sinusoids(x.shape[1], x.shape[2], x)) * keep
        for block in self.decoder:
            x = block(x, keep)
        coarse = self.mel_head(x)
        mel = coarse if self.postnet is None else coarse + self.postnet(coarse, keep)
        pitch_track, voicing = self.source_head(x).unbind(-1)
        return Frames(coarse, mel, pitch_track, voicing), keep

    @torch.no_grad()
    def speak(self, phones: Tensor, speaker: Tensor, speed: float = 1.0) -> tuple[Frames, Tensor]:
        """Speak phones; every phone lasts a frame at least.

        Args:
            phones: int64 [B, N], without padding beyond the pads at both ends.
            speaker: [B, speaker_size].
            speed: durations are divided by it.

        Returns:
            the frames [B, T, …] and the durations, int64 [B, N].
        """
        keep = torch.ones(*phones.shape, 1, device=phones.device)
        hidden = self.encode(phones, speaker, keep)
        found = self.variances(hidden, keep)
        durations = (found.log_duration.clamp(-5.0, 10.0).exp() / speed).round()
        durations = durations.clamp(1, _LONGEST_PHONE).long()
        frames, _ = self.decode(hidden, found.pitch, found.energy, durations)
        return frames, durations


def relative_pitch(log_f0: Tensor, log_f0_mean: Tensor) -> Tensor:
    """Log f0 [B, T] → the units of `Frames.pitch`; `log_f0_mean` is [B, 1]."""
    return (log_f0 - log_f0_mean) / PITCH_SCALE
