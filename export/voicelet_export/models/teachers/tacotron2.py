"""Tacotron 2 (Shen et al. 2018), conditioned on a speaker vector (Jia et al. 2018).

A recurrent decoder makes the mel frame by frame and finds its place in the text by attention over
where it has been.  Beside each mel frame it makes f0 and voicing, so that a source-filter vocoder
can follow; the papers have neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from voicelet_export.models.teachers.mel_layers import (
    SOURCE_FEATURES,
    PostNet,
    SpeakerProjection,
)

_NEVER = -1e4


@dataclass(frozen=True)
class Tacotron2Config:
    """Sizes; the defaults are the paper's.

    Attributes:
        speaker_size: length of the speaker vector; 0 for a single speaker.
        speaker_channels: that it is projected to, joined to every encoder output.
        encoder_channels: of the embedding, the convolutions and both directions of the LSTM.
        attention_channels, location_filters, location_kernel: of the location-sensitive attention.
        prenet_channels: of its two layers; their dropout is never switched off.
        decoder_channels: of both LSTMs.
        frames_per_step: made at each step of the decoder (the reduction factor of Tacotron).
        postnet_layers, postnet_channels: at least 2 layers.
    """

    n_symbols: int = 64
    n_mels: int = 80
    speaker_size: int = 328
    speaker_channels: int = 256
    encoder_channels: int = 512
    encoder_convs: int = 3
    encoder_kernel: int = 5
    attention_channels: int = 128
    location_filters: int = 32
    location_kernel: int = 31
    prenet_channels: int = 256
    prenet_dropout: float = 0.5
    decoder_channels: int = 1024
    decoder_dropout: float = 0.1
    frames_per_step: int = 1
    postnet_layers: int = 5
    postnet_channels: int = 512
    dropout: float = 0.5

    def __post_init__(self) -> None:
        if self.encoder_channels % 2 or self.encoder_kernel % 2 == 0:
            raise ValueError("encoder_channels must be even and encoder_kernel odd")
        if self.location_kernel % 2 == 0:
            raise ValueError("location_kernel must be odd")
        if self.frames_per_step < 1 or self.speaker_size < 0 or self.postnet_layers < 2:
            raise ValueError("frames_per_step must be at least 1, speaker_size 0, postnet_layers 2")

    @property
    def memory_channels(self) -> int:
        """Width of what attention looks at."""
        return self.encoder_channels + (self.speaker_channels if self.speaker_size else 0)

    @property
    def frame_size(self) -> int:
        """Numbers in a frame: mel, pitch, voicing."""
        return self.n_mels + SOURCE_FEATURES


class Encoder(nn.Module):
    """Convolutions and a bidirectional LSTM over the phones (section 2.2)."""

    def __init__(self, config: Tacotron2Config) -> None:
        super().__init__()
        c = config
        self.embed = nn.Embedding(c.n_symbols, c.encoder_channels)
        nn.init.normal_(self.embed.weight, std=0.3)
        self.convs = nn.ModuleList(
            nn.Conv1d(
                c.encoder_channels, c.encoder_channels, c.encoder_kernel,
                padding=c.encoder_kernel // 2,
            )
            for _ in range(c.encoder_convs)
        )  # fmt: skip
        self.norms = nn.ModuleList(nn.BatchNorm1d(c.encoder_channels) for _ in self.convs)
        self.lstm = nn.LSTM(
            c.encoder_channels, c.encoder_channels // 2, batch_first=True, bidirectional=True
        )
        self.dropout = nn.Dropout(c.dropout)

    def forward(self, phones: Tensor, keep: Tensor) -> Tensor:
        """int64 [B, N] → [B, N, encoder_channels]; `keep` [B, N, 1] masks padding."""
        x = self.embed(phones).transpose(1, 2)
        mask = keep.transpose(1, 2)
        for conv, norm in zip(self.convs, self.norms):
            x = self.dropout(torch.relu(norm(conv(x * mask))))
        lengths = keep.sum(dim=(1, 2)).long().cpu()
        packed = pack_padded_sequence(
            x.transpose(1, 2), lengths, batch_first=True, enforce_sorted=False
        )
        out, _ = self.lstm(packed)
        unpacked, _ = pad_packed_sequence(out, batch_first=True, total_length=phones.shape[1])
        return unpacked


class LocationAttention(nn.Module):
    """Additive attention that sees where it has been (Chorowski et al. 2015, equation 9)."""

    def __init__(self, config: Tacotron2Config) -> None:
        super().__init__()
        c = config
        width = c.attention_channels
        self.query = nn.Linear(c.decoder_channels, width, bias=False)
        self.memory = nn.Linear(c.memory_channels, width, bias=False)
        self.location_conv = nn.Conv1d(
            2, c.location_filters, c.location_kernel, padding=c.location_kernel // 2, bias=False
        )
        self.location = nn.Linear(c.location_filters, width, bias=False)
        self.score = nn.Linear(width, 1)

    def forward(self, query: Tensor, keys: Tensor, places: Tensor, keep: Tensor) -> Tensor:
        """Weights [B, N] of the next step.

        Args:
            query: [B, decoder_channels].
            keys: `self.memory` of the memory, [B, N, attention_channels].
            places: [B, 2, N], the last weights and the sum of all.
            keep: [B, N, 1].
        """
        location = self.location(self.location_conv(places).transpose(1, 2))
        energy = self.score(torch.tanh(self.query(query).unsqueeze(1) + keys + location))
        return energy.masked_fill(keep == 0, _NEVER).float().softmax(dim=1).squeeze(-1)


class DecoderState(NamedTuple):
    """What a step hands to the next."""

    first: tuple[Tensor, Tensor]
    second: tuple[Tensor, Tensor]
    context: Tensor
    places: Tensor


class Decoder(nn.Module):
    """Prenet, two LSTMs around the attention, projections to frames and to the stop token."""

    def __init__(self, config: Tacotron2Config) -> None:
        super().__init__()
        self.config = c = config
        self.prenet = nn.ModuleList(
            nn.Linear(size, c.prenet_channels) for size in (c.n_mels, c.prenet_channels)
        )
        self.first = nn.LSTMCell(c.prenet_channels + c.memory_channels, c.decoder_channels)
        self.attention = LocationAttention(c)
        self.second = nn.LSTMCell(c.decoder_channels + c.memory_channels, c.decoder_channels)
        out = c.decoder_channels + c.memory_channels
        self.frame = nn.Linear(out, c.frames_per_step * c.frame_size)
        self.stop = nn.Linear(out, 1)

    def begin(self, memory: Tensor) -> DecoderState:
        """The state before the first step."""
        c, (batch, length, _) = self.config, memory.shape
        zeros = lambda *size: memory.new_zeros(batch, *size)  # noqa: E731
        cell = lambda: (zeros(c.decoder_channels), zeros(c.decoder_channels))  # noqa: E731
        return DecoderState(cell(), cell(), zeros(c.memory_channels), zeros(2, length))

    def step(
        self, last_mel: Tensor, memory: Tensor, keys: Tensor, keep: Tensor, state: DecoderState
    ) -> tuple[Tensor, Tensor, DecoderState]:
        """One step after the mel frame `last_mel` [B, n_mels].

        Returns:
            frames [B, frames_per_step · frame_size], stop logit [B], the next state, whose
            `places[:, 0]` are this step's attention weights.
        """
        c = self.config
        x = last_mel
        for layer in self.prenet:  # always dropped out: the paper's only source of variation
            x = dropout(torch.relu(layer(x)), c.prenet_dropout, training=True)
        first = self.first(torch.cat([x, state.context], dim=-1), state.first)
        query = dropout(first[0], c.decoder_dropout, training=self.training)
        weights = self.attention(query, keys, state.places, keep)
        context = (weights.unsqueeze(1) @ memory).squeeze(1)
        second = self.second(torch.cat([query, context], dim=-1), state.second)
        hidden = dropout(second[0], c.decoder_dropout, training=self.training)
        out = torch.cat([hidden, context], dim=-1)
        places = torch.stack([weights, state.places[:, 1] + weights], dim=1)
        following = DecoderState(first, second, context, places)
        return self.frame(out), self.stop(out).squeeze(-1), following


class Spectrum(NamedTuple):
    """What is decoded; T frames in S steps.

    Attributes:
        coarse, mel: [B, T, n_mels] before and after the PostNet.
        pitch, voicing: [B, T]; log f0 minus the speaker's mean in units of 0.25, and logits.
        stop: logits [B, S].
        attention: [B, S, N].
    """

    coarse: Tensor
    mel: Tensor
    pitch: Tensor
    voicing: Tensor
    stop: Tensor
    attention: Tensor


class Tacotron2(nn.Module):
    """Phones and a speaker → mel, frame by frame."""

    def __init__(self, config: Tacotron2Config = Tacotron2Config()) -> None:
        super().__init__()
        self.config = c = config
        self.encoder = Encoder(c)
        self.speaker = SpeakerProjection(c.speaker_size, c.speaker_channels)
        self.decoder = Decoder(c)
        self.postnet = PostNet(c.n_mels, c.postnet_channels, 5, c.postnet_layers, c.dropout)

    def remember(self, phones: Tensor, speaker: Tensor, keep: Tensor) -> Tensor:
        """What attention looks at: encoder outputs joined with the speaker, [B, N, memory].

        Args:
            phones: int64 [B, N], pads at both ends of each.
            speaker: [B, speaker_size].
            keep: [B, N, 1], ones where there are phones.
        """
        x: Tensor = self.encoder(phones, keep)
        if self.config.speaker_size:
            told = self.speaker(speaker).unsqueeze(1).expand(-1, x.shape[1], -1)
            x = torch.cat([x, told], dim=-1)
        return x * keep

    def forward(
        self, phones: Tensor, speaker: Tensor, keep: Tensor, mel: Tensor, keep_frames: Tensor
    ) -> Spectrum:
        """Teacher-forced: every step is told the true frame before it.

        Args:
            phones, speaker, keep: as in :meth:`remember`.
            mel: normalized [B, T, n_mels], T a multiple of `frames_per_step`.
            keep_frames: [B, T, 1].
        """
        r = self.config.frames_per_step
        memory = self.remember(phones, speaker, keep)
        keys = self.decoder.attention.memory(memory)
        state = self.decoder.begin(memory)
        last = torch.cat([torch.zeros_like(mel[:, :1]), mel[:, r - 1 : -1 : r]], dim=1)
        frames, stops, weights = [], [], []
        for given in last.unbind(1):
            frame, stop, state = self.decoder.step(given, memory, keys, keep, state)
            frames.append(frame)
            stops.append(stop)
            weights.append(state.places[:, 0])
        return self._finish(frames, stops, weights, keep_frames)

    @torch.no_grad()
    def speak(self, phones: Tensor, speaker: Tensor, most_frames: int) -> tuple[Spectrum, bool]:
        """Free-running: every step is told the frame that it made before.

        The prenet's dropout draws from torch's global generator.

        Args:
            phones: int64 [1, N].
            speaker: [1, speaker_size].
            most_frames: after which decoding is given up.

        Returns:
            what was decoded, and whether the stop token ended it.
        """
        c = self.config
        keep = torch.ones(*phones.shape, 1, device=phones.device)
        memory = self.remember(phones, speaker, keep)
        keys = self.decoder.attention.memory(memory)
        state = self.decoder.begin(memory)
        last = memory.new_zeros(1, c.n_mels)
        frames: list[Tensor] = []
        stops: list[Tensor] = []
        weights: list[Tensor] = []
        while len(frames) * c.frames_per_step < max(c.frames_per_step, most_frames):
            frame, stop, state = self.decoder.step(last, memory, keys, keep, state)
            last = frame[:, -c.frame_size :][:, : c.n_mels]
            frames.append(frame)
            stops.append(stop)
            weights.append(state.places[:, 0])
            if float(stop) > 0.0:
                return self._finish(frames, stops, weights, None), True
        return self._finish(frames, stops, weights, None), False

    def _finish(
        self,
        frames: list[Tensor],
        stops: list[Tensor],
        weights: list[Tensor],
        keep: Tensor | None,
    ) -> Spectrum:
        c = self.config
        joined = torch.stack(frames, dim=1).unflatten(-1, (c.frames_per_step, c.frame_size))
        joined = joined.flatten(1, 2)
        coarse = joined[..., : c.n_mels]
        pitch, voicing = joined[..., c.n_mels], joined[..., c.n_mels + 1]
        mel = coarse + self.postnet(coarse, keep)
        return Spectrum(
            coarse, mel, pitch, voicing, torch.stack(stops, dim=1), torch.stack(weights, dim=1)
        )


def guided_attention_loss(
    attention: Tensor, n_phones: Tensor, n_steps: Tensor, width: float = 0.2
) -> Tensor:
    """Mean attention far from the diagonal (Tachibana et al. 2018, equation 5).

    Args:
        attention: [B, S, N].
        n_phones, n_steps: int64 [B].
        width: of the diagonal that costs little, as a share of the sentence.
    """
    _, steps, phones = attention.shape
    device = attention.device
    n = torch.arange(phones, device=device)[None, None, :]
    s = torch.arange(steps, device=device)[None, :, None]
    total, last = n_phones[:, None, None], n_steps[:, None, None]
    cost = 1.0 - torch.exp(-((n / total - s / last) ** 2) / (2.0 * width**2))
    inside = ((n < total) & (s < last)).float()
    return (attention * cost * inside).sum() / n_steps.sum()
