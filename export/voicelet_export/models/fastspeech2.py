"""The acoustic student: FastSpeech 2 (Ren et al. 2021) with ConvNeXt blocks and adaptive norms.

The encoder sees a whole clause; durations, pitch and energy are explicit, per phone, and can be
changed by the caller before the decoder runs.  The decoder is purely convolutional, so any stretch
of frames can be computed alone given `context_frames` neighbours on each side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from voicelet_export.models.blocks import (
    ChannelNorm,
    ConvNeXtBlock,
    SelfAttention,
    check_block_sizes,
    length_mask,
)
from voicelet_export.models.timbre import TimbreAttention, TimbreEncoder

PITCH_SCALE = 0.25
"""Natural-log units of f0 in one unit of the pitch feature."""
FRAME_FEATURES = 4
"""Pitch, energy, position in the token, log duration: appended to the repeated hidden states."""


@dataclass(frozen=True)
class AcousticConfig:
    """Sizes of the acoustic model.

    Attributes:
        encoder_hidden, pitch_hidden, mel_hidden: hidden size of each block, where they differ
            (a pruned model); empty gives every block `hidden`.
        attention_width: channels of an attention head; 0 shares `channels` out between the heads.
        attention_before: index of the encoder block that attention precedes (`encoder_blocks`: it
            comes last); -1 is the middle.
        timbre_tokens, timbre_width: tokens that tell of a voice beside the d-vector, and numbers
            in each (`models.timbre`); 0 tokens leave them out.
        timbre_bands, timbre_channels, timbre_blocks: of the encoder that makes the tokens.
        languages: how many there are to tell apart; 0 leaves the language out.
        label_delay_frames: by how much the durations that are learnt lie behind what is heard; 0
            for caches of `corpus retime`.
    """

    n_symbols: int = 64
    speaker_size: int = 328
    n_mels: int = 80
    channels: int = 192
    hidden: int = 576
    encoder_blocks: int = 4
    encoder_kernel: int = 7
    attention_heads: int = 2
    pitch_blocks: int = 2
    mel_blocks: int = 5
    decoder_kernel: int = 7
    encoder_hidden: tuple[int, ...] = ()
    pitch_hidden: tuple[int, ...] = ()
    mel_hidden: tuple[int, ...] = ()
    attention_width: int = 0
    attention_before: int = -1
    timbre_tokens: int = 0
    timbre_width: int = 64
    timbre_bands: int = 70
    timbre_channels: int = 128
    timbre_blocks: int = 3
    languages: int = 0
    label_delay_frames: float = 4.5

    def __post_init__(self) -> None:
        for part in ("encoder", "pitch", "mel"):
            check_block_sizes(
                getattr(self, f"{part}_hidden"), getattr(self, f"{part}_blocks"), f"{part}_hidden"
            )
        if not -1 <= self.attention_before <= self.encoder_blocks:
            raise ValueError("attention_before must lie between -1 and encoder_blocks")
        if self.timbre_tokens < 0 or self.languages < 0:
            raise ValueError("timbre_tokens and languages must be at least 0")
        if not 0.0 <= self.label_delay_frames <= 24.0:
            raise ValueError("label_delay_frames must lie between 0 and 24")
        if self.timbre_tokens and (self.timbre_width % 4 or self.timbre_bands < 1):
            raise ValueError("timbre_width must be a multiple of 4, timbre_bands at least 1")

    @property
    def attention_place(self) -> int:
        """Index of the encoder block that attention precedes."""
        middle = self.encoder_blocks // 2
        return middle if self.attention_before < 0 else self.attention_before

    @property
    def context_frames(self) -> int:
        """Receptive field of the decoder on each side, in frames."""
        return (self.pitch_blocks + self.mel_blocks) * (self.decoder_kernel // 2)

    @property
    def condition_size(self) -> int:
        """Numbers that the encoder hands to the decoder for the speaker."""
        return (self.pitch_blocks + self.mel_blocks + 1) * 2 * self.channels + self.n_mels


class AcousticEncoder(nn.Module):
    """Phones and speaker → hidden states, durations, pitch, energy, decoder condition."""

    speaker_mean: Tensor
    speaker_std: Tensor

    def __init__(self, config: AcousticConfig) -> None:
        super().__init__()
        self.config = c = config
        self.register_buffer("speaker_mean", torch.zeros(c.speaker_size))
        self.register_buffer("speaker_std", torch.ones(c.speaker_size))
        self.embed = nn.Embedding(c.n_symbols, c.channels)
        self.speaker = nn.Sequential(
            nn.Linear(c.speaker_size, c.channels), nn.SiLU(), nn.Linear(c.channels, c.channels)
        )
        self.film = nn.Linear(c.channels, c.encoder_blocks * 2 * c.channels)
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(c.channels, hidden, c.encoder_kernel, True, 0.5)
            for hidden in c.encoder_hidden or (c.hidden,) * c.encoder_blocks
        )
        self.attention = SelfAttention(c.channels, c.attention_heads, c.attention_width)
        self.out_norm = ChannelNorm(c.channels)
        self.variance_conv = nn.Conv1d(c.channels, c.channels, 5, padding=2)
        self.variance_norm = ChannelNorm(c.channels)
        self.variance_head = nn.Linear(c.channels, 3)
        self.condition = nn.Linear(c.channels, c.condition_size)
        nn.init.normal_(self.embed.weight, std=0.3)
        for layer in (self.film, self.condition):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        self.timbre: TimbreEncoder | None = None
        if c.timbre_tokens:
            self.timbre = TimbreEncoder(
                c.n_mels,
                min(c.timbre_bands, c.n_mels),
                c.timbre_tokens,
                c.timbre_width,
                c.timbre_channels,
                c.timbre_blocks,
            )
            self.timbre_attention = TimbreAttention(c.channels, c.timbre_width)
            self.timbre_pool = nn.Linear(c.timbre_tokens * c.timbre_width, c.channels, bias=False)
            nn.init.zeros_(self.timbre_pool.weight)
        if c.languages:
            self.language_phones = nn.Embedding(c.languages, c.channels)
            self.language_clause = nn.Embedding(c.languages, c.channels)
            for embedding in (self.language_phones, self.language_clause):
                nn.init.zeros_(embedding.weight)

    def set_speaker_statistics(self, vectors: npt.NDArray[np.float32]) -> None:
        """Take the mean and spread of training speaker vectors [speakers, speaker_size]."""
        self.speaker_mean.copy_(torch.from_numpy(vectors.mean(axis=0)))
        self.speaker_std.copy_(torch.from_numpy(vectors.std(axis=0) + 1e-3))

    def voice_tokens(self, reference: Tensor | None, n_reference: Tensor | None) -> Tensor | None:
        """Tokens of people's speech, for :meth:`forward`; `None` if this model has none.

        Args:
            reference: [B, R, n_mels], normalized.
            n_reference: int64 [B], frames of speech in each row; 0 gives tokens of zeros.
        """
        if self.timbre is None or reference is None or n_reference is None:
            return None
        tokens: Tensor = self.timbre(reference, length_mask(n_reference, reference.shape[1]))
        return tokens

    def forward(
        self,
        phones: Tensor,
        speaker: Tensor,
        keep: Tensor | None = None,
        tokens: Tensor | None = None,
        language: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Encode a batch of clauses.

        Args:
            phones: int64 [B, N], pads at both ends of each.
            speaker: [B, speaker_size].
            keep: [B, N, 1], ones where there are phones; `None` for no padding.
            tokens: [B, timbre_tokens, timbre_width] of `timbre`; zeros or `None` where a person
                has none.
            language: int64 [B], places in `phones.MODEL_LANGUAGES`; `None` is English.

        Returns:
            hidden [B, N, C], log_duration [B, N], pitch [B, N], energy [B, N], condition [B, K].
        """
        embedded = self.speaker((speaker - self.speaker_mean) / self.speaker_std)
        x = self.embed(phones)
        if self.config.languages:
            spoken = phones.new_zeros(len(phones)) if language is None else language
            embedded = embedded + self.language_clause(spoken)
            x = x + self.language_phones(spoken).unsqueeze(1)
        if tokens is not None:
            # Scaled, so that the first steps of so wide a layer don't overwhelm the d-vector.
            pooled = tokens.flatten(1) * tokens[0].numel() ** -0.5
            embedded = embedded + self.timbre_pool(pooled)
        films = self.film(embedded).unsqueeze(1).chunk(len(self.blocks), dim=-1)
        for i, block in enumerate(self.blocks):
            if i == self.config.attention_place:
                x = self._attend(x, keep, tokens)
            x = block(x, films[i], keep)
        if self.config.attention_place == len(self.blocks):
            x = self._attend(x, keep, tokens)
        hidden = self.out_norm(x)
        masked = hidden if keep is None else hidden * keep
        v = torch.relu(self.variance_conv(masked.transpose(1, 2)).transpose(1, 2))
        log_duration, pitch, energy = self.variance_head(self.variance_norm(v)).unbind(-1)
        return hidden, log_duration, pitch, energy, self.condition(embedded)

    def _attend(self, x: Tensor, keep: Tensor | None, tokens: Tensor | None) -> Tensor:
        x = self.attention(x, keep)
        return x if tokens is None else self.timbre_attention(x, tokens)


class AcousticDecoder(nn.Module):
    """Frames of hidden states → f0, voicing and mel."""

    def __init__(self, config: AcousticConfig) -> None:
        super().__init__()
        self.config = c = config
        self.project = nn.Linear(c.channels + FRAME_FEATURES, c.channels)
        make = lambda n: ConvNeXtBlock(c.channels, n, c.decoder_kernel, True, 0.5)  # noqa: E731
        widths = c.pitch_hidden or (c.hidden,) * c.pitch_blocks
        self.pitch_blocks = nn.ModuleList(make(n) for n in widths)
        self.pitch_head = nn.Linear(c.channels, 2)
        self.pitch_embed = nn.Linear(3, c.channels)
        widths = c.mel_hidden or (c.hidden,) * c.mel_blocks
        self.mel_blocks = nn.ModuleList(make(n) for n in widths)
        self.out_norm = ChannelNorm(c.channels, affine=False)
        self.mel_head = nn.Linear(c.channels, c.n_mels)

    def forward(
        self,
        frames: Tensor,
        condition: Tensor,
        log_f0_mean: Tensor,
        keep: Tensor | None = None,
        given_f0: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Decode a batch of frames.

        Args:
            frames: [B, T, C + 4]: repeated hidden states, pitch, energy, position, log duration.
            condition: [B, K] of the encoder.
            log_f0_mean: [B, 1], the speaker's mean log f0.
            keep: [B, T, 1] mask.
            given_f0: (log_f0 [B, T], voicing [B, T]) to be used in place of the predicted ones.

        Returns:
            mel [B, T, n_mels] (normalized), log_f0 [B, T], voicing logits [B, T].
        """
        n_films = len(self.pitch_blocks) + len(self.mel_blocks) + 1
        width = 2 * self.config.channels
        films = condition[:, : n_films * width].unsqueeze(1).chunk(n_films, dim=-1)
        x = self.project(frames)
        for i, block in enumerate(self.pitch_blocks):
            x = block(x, films[i], keep)
        delta, voicing_logit = self.pitch_head(x).unbind(-1)
        token_pitch = frames[..., self.config.channels]
        log_f0 = log_f0_mean + PITCH_SCALE * (token_pitch + delta)
        if given_f0 is None:
            used_f0, used_voicing = log_f0, torch.sigmoid(voicing_logit)
        else:
            used_f0, used_voicing = given_f0
        relative = (used_f0 - log_f0_mean) / PITCH_SCALE * used_voicing
        absolute = (used_f0 - 5.0) * used_voicing
        x = x + self.pitch_embed(torch.stack([relative, absolute, used_voicing], dim=-1))
        for i, block in enumerate(self.mel_blocks):
            x = block(x, films[len(self.pitch_blocks) + i], keep)
        mel = self.mel_head(self.out_norm(x, films[-1]))
        bias = condition[:, n_films * width :].unsqueeze(1)
        return mel + bias, log_f0, voicing_logit


class AcousticModel(nn.Module):
    """Encoder and decoder, with the length regulator between them."""

    def __init__(self, config: AcousticConfig = AcousticConfig()) -> None:
        super().__init__()
        self.config = config
        self.encoder = AcousticEncoder(config)
        self.decoder = AcousticDecoder(config)


_OPTIONAL = ("encoder.timbre", "encoder.language_")


def grown_state(model: AcousticModel, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a model without tokens, languages or all of the phones, for one that has them.

    What is new keeps `model`'s own weights, which add nothing to what the old ones say; phones that
    are new keep their own rows of the embedding.
    """
    grown = dict(state)
    for name, own in model.state_dict().items():
        if name not in grown and name.startswith(_OPTIONAL):
            grown[name] = own
    rows = grown.get("encoder.embed.weight")
    own = model.encoder.embed.weight
    if rows is not None and len(rows) < len(own):
        grown["encoder.embed.weight"] = torch.cat([rows, own.detach()[len(rows) :].to(rows)])
    return grown


def plain_state(
    state: Mapping[str, Tensor], config: AcousticConfig, language: int
) -> tuple[dict[str, Tensor], AcousticConfig]:
    """Weights of a model of one language, without timbre tokens, that says just the same.

    Args:
        state: weights of a model of `config`.
        language: place in `voicelet.text.phones.MODEL_LANGUAGES`.

    Returns:
        Weights, and the configuration of the model that they are for.
    """
    plain = {name: value for name, value in state.items() if not name.startswith(_OPTIONAL)}
    if config.languages:
        for name, added in (("embed.weight", "phones"), ("speaker.2.bias", "clause")):
            row = state[f"encoder.language_{added}.weight"][language]
            plain[f"encoder.{name}"] = plain[f"encoder.{name}"] + row
    return plain, replace(config, timbre_tokens=0, languages=0)


def expand_frames(
    hidden: Tensor, pitch: Tensor, energy: Tensor, durations: Tensor, n_frames: int
) -> Tensor:
    """Repeat each phone's features for its frames (the length regulator).

    Args:
        hidden: [B, N, C]; pitch, energy: [B, N].
        durations: int64 [B, N], frames of each phone.
        n_frames: T; rows that are shorter repeat their last phone (mask them).

    Returns:
        [B, T, C + 4].
    """
    ends = durations.cumsum(dim=1)
    places = torch.arange(n_frames, device=hidden.device).expand(len(hidden), -1).contiguous()
    index = torch.searchsorted(ends, places, right=True).clamp_max(hidden.shape[1] - 1)
    take = lambda x: torch.gather(x, 1, index)  # noqa: E731
    length = take(durations).clamp_min(1).float()
    position = (places - take(ends - durations)).float() + 0.5
    repeated = torch.gather(hidden, 1, index.unsqueeze(-1).expand(-1, -1, hidden.shape[-1]))
    extra = torch.stack(
        [take(pitch), take(energy), (position / length).clamp(0.0, 1.0), length.log()], dim=-1
    )
    return torch.cat([repeated, extra], dim=-1)
