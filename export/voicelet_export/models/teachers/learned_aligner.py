"""Text and speech aligned without labels, after "One TTS Alignment To Rule Them All".

Badlani et al. 2022: convolutions bring phones and mel frames into one space, where frames attend to
phones by distance.  The forward-sum loss raises the likelihood of all monotonic paths, a
beta-binomial prior keeps the first steps near the diagonal, and the best path (monotonic alignment
search) gives durations.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import ctc_loss, log_softmax, pad

from voicelet_export.models.teachers.vits.align import monotonic_alignment

_NEVER = -1e4
"""Logit of a padded phone; finite, so that gradients are too."""
_BLANK = -1e4
"""Logit of the blank of the forward-sum loss, as the authors chose it."""


class LearnedAligner(nn.Module):
    """Soft alignment of mel frames to phones.

    Args:
        text_channels: width of the phone embeddings.
        channels: of the space where distances are measured.
        temperature: factor of the squared distances.
    """

    def __init__(
        self, text_channels: int, n_mels: int, channels: int = 80, temperature: float = 0.0005
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.text = nn.Sequential(
            nn.Conv1d(text_channels, 2 * text_channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(2 * text_channels, channels, 1),
        )
        self.mel = nn.Sequential(
            nn.Conv1d(n_mels, 2 * n_mels, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(2 * n_mels, n_mels, 1),
            nn.ReLU(),
            nn.Conv1d(n_mels, channels, 1),
        )

    def forward(
        self, text: Tensor, mel: Tensor, keep_phones: Tensor, log_prior: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Align a batch.

        Args:
            text: phone embeddings [B, N, text_channels].
            mel: normalized [B, T, n_mels].
            keep_phones: [B, N, 1], ones where there are phones.
            log_prior: [B, T, N] of :func:`beta_binomial_prior`; `None` for none.

        Returns:
            logits [B, T, N] (log-attention up to a constant, prior included); log-attention
            [B, T, N], normalized over the phones.
        """
        mask = keep_phones.transpose(1, 2)
        keys = self.text(text.transpose(1, 2) * mask).float()
        queries = self.mel(mel.transpose(1, 2)).float()
        squares = (queries**2).sum(1)[:, :, None] + (keys**2).sum(1)[:, None, :]
        logits = -self.temperature * (squares - 2.0 * queries.transpose(1, 2) @ keys)
        logits = logits.masked_fill(mask == 0, _NEVER)
        if log_prior is not None:
            logits = log_softmax(logits, dim=-1) + log_prior
            logits = logits.masked_fill(mask == 0, _NEVER)
        return logits, log_softmax(logits, dim=-1)


def beta_binomial_prior(
    n_phones: Tensor, n_frames: Tensor, scale: float = 1.0, floor: float = 1e-8
) -> Tensor:
    """Log of the near-diagonal prior of every phone at every frame.

    Row `t` (from 1) of an utterance of N phones and T frames is the beta-binomial distribution over
    0..N-1 with α = scale · t, β = scale · (T - t + 1) (Badlani et al. 2022, equation 4).

    Args:
        n_phones, n_frames: int64 [B].
        scale: less is wider.
        floor: added to the probabilities.

    Returns:
        float32 [B, T, N]; padding holds log(floor).
    """
    device = n_phones.device
    phones, frames = int(n_phones.max()), int(n_frames.max())
    top = (n_phones - 1).double()[:, None, None]
    k = torch.arange(phones, device=device).double()[None, None, :]
    t = torch.arange(1, frames + 1, device=device).double()[None, :, None]
    last = n_frames.double()[:, None, None]
    inside = (k <= top) & (t <= last)
    k, rest = torch.minimum(k, top), (top - k).clamp_min(0.0)
    a = scale * t
    b = scale * (last - t + 1.0).clamp_min(1.0)
    choose = torch.lgamma(top + 1) - torch.lgamma(k + 1) - torch.lgamma(rest + 1)
    above = torch.lgamma(k + a) + torch.lgamma(rest + b) - torch.lgamma(top + a + b)
    below = torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)
    probability = torch.exp(choose + above - below)
    return torch.log(torch.where(inside, probability, 0.0) + floor).float()


def forward_sum_loss(logits: Tensor, n_phones: Tensor, n_frames: Tensor) -> Tensor:
    """Negative log-likelihood of all monotonic paths, per phone (a CTC loss; equation 3).

    Args:
        logits: [B, T, N] of :class:`LearnedAligner`.
    """
    batch, _, phones = logits.shape
    log_probabilities = log_softmax(pad(logits.float(), (1, 0), value=_BLANK), dim=-1)
    targets = torch.arange(1, phones + 1, device=logits.device).expand(batch, -1)
    loss: Tensor = ctc_loss(
        log_probabilities.transpose(0, 1), targets, n_frames, n_phones, zero_infinity=True
    )
    return loss


def hard_durations(log_attention: Tensor, n_phones: Tensor, n_frames: Tensor) -> Tensor:
    """Frames of each phone on the best monotonic path, at least one each.

    Args:
        log_attention: [B, T, N].

    Returns:
        int64 [B, N]; row `b` sums to `n_frames[b]`.

    Raises:
        ValueError: a row has more phones than frames.
    """
    scores = log_attention.detach().transpose(1, 2).float().cpu().numpy()
    found = monotonic_alignment(
        np.ascontiguousarray(scores), n_phones.cpu().numpy(), n_frames.cpu().numpy()
    )
    return torch.from_numpy(found).to(log_attention.device)


def binarization_loss(log_attention: Tensor, durations: Tensor) -> Tensor:
    """Distance of the soft alignment from the hard one (equation 8), mean over the frames."""
    ends = durations.cumsum(dim=1)
    frames = log_attention.shape[1]
    places = torch.arange(frames, device=durations.device)
    phone = torch.searchsorted(ends, places.expand(len(ends), -1).contiguous(), right=True)
    inside = (places[None, :] < ends[:, -1:]).float()
    index = phone.clamp_max(durations.shape[1] - 1).unsqueeze(-1)
    on_path = log_attention.gather(2, index).squeeze(-1)
    return -(on_path * inside).sum() / inside.sum()
