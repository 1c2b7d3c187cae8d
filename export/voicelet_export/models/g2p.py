"""Letters to phones: a small convolutional network read by CTC.

Each letter gives `frames_per_letter` frames; at each frame the network names a phone unit (a
consonant, or a vowel with its stress mark) or the blank, and Connectionist Temporal Classification
(Graves et al. 2006) sums over the ways to spread a pronunciation over the frames.  So the whole
word is read in one call, without a decoder loop.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from voicelet.text.g2p import LETTERS, SCORED, G2PLabels
from voicelet.text.phones import CONSONANTS, VOWELS

UNITS = ("", *CONSONANTS, *(mark + vowel for vowel in VOWELS for mark in ("", "ˈ", "ˌ")))
"""The classes: the blank first, consonants, vowels with and without stress."""


@dataclass(frozen=True)
class G2PConfig:
    """Shape of the network.

    Attributes:
        channels: width.
        layers: residual convolutions at the rate of letters.
        kernel: letters each convolution sees, odd.
        frames_per_letter: frames the output has for each letter.
        letters: the alphabet it reads.
        units: the classes, the blank first.
        stress: where the stress comes from, one of `voicelet.text.g2p.STRESSES`.
    """

    channels: int = 128
    layers: int = 5
    kernel: int = 5
    frames_per_letter: int = 2
    letters: str = LETTERS
    units: tuple[str, ...] = UNITS
    stress: str = SCORED

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", tuple(self.units))  # JSON makes a list of them

    @property
    def labels(self) -> G2PLabels:
        """What travels with the graph."""
        return G2PLabels(self.units, self.letters, self.stress)


class G2P(nn.Module):
    """Letters → logits of phone units."""

    def __init__(self, config: G2PConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or G2PConfig()
        c = config.channels
        self.embedding = nn.Embedding(len(config.letters) + 1, c)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(c, c, config.kernel, padding=config.kernel // 2) for _ in range(config.layers)
        )
        self.spread = nn.Conv1d(c, c * config.frames_per_letter, 1)
        self.mix = nn.Conv1d(c, c, 3, padding=1)
        self.head = nn.Linear(c, len(config.units))

    def forward(self, letters: Tensor) -> Tensor:
        """Read words of equal length.

        Args:
            letters: int64 [B, L], indices of the alphabet plus one; 0 before and after the word.

        Returns:
            float32 [B, frames_per_letter · L, units], logits.
        """
        x = self.embedding(letters).transpose(1, 2)
        for convolution in self.convolutions:
            x = x + torch.relu(convolution(x))
        x = torch.relu(self.spread(x)).transpose(1, 2)  # [B, L, C · F]
        x = x.reshape(x.shape[0], -1, self.config.channels).transpose(1, 2)
        x = x + torch.relu(self.mix(x))
        logits: Tensor = self.head(x.transpose(1, 2))
        return logits


def ctc_loss(logits: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
    """Mean CTC loss a target unit.

    Args:
        logits: [B, T, units].
        targets: int64 [sum of lengths], the words' units one after the other.
        lengths: int64 [B], units of each word; at most T.
    """
    frames = torch.full((logits.shape[0],), logits.shape[1], dtype=torch.int64)
    return functional.ctc_loss(
        logits.log_softmax(-1).transpose(0, 1), targets, frames, lengths, zero_infinity=True
    )
