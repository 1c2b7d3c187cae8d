"""Monotonic alignment search (Kim et al. 2020, Glow-TTS, algorithm 1)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def monotonic_alignment(
    scores: npt.NDArray[np.float32],
    n_tokens: npt.NDArray[np.int64],
    n_frames: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Durations of the best path that visits every token in order, at least one frame each.

    Args:
        scores: log-likelihood of each frame under each token, float32 [B, N, T].
        n_tokens, n_frames: lengths of each row, int64 [B]; `n_tokens <= n_frames`.

    Returns:
        Frames of each token, int64 [B, N]; row `b` sums to `n_frames[b]`.

    Raises:
        ValueError: a row has more tokens than frames.
    """
    if (n_tokens > n_frames).any() or (n_tokens < 1).any():
        raise ValueError("an alignment needs a token, and at least one frame for each token")
    batch, tokens, frames = scores.shape
    best = np.full((batch, tokens), -np.inf)
    advanced = np.zeros((frames, batch, tokens), bool)  # whether frame t entered token n newly
    for t in range(frames):
        stay = best
        enter = np.full((batch, tokens), -np.inf)
        if t:
            enter[:, 1:] = best[:, :-1]
        else:
            enter[:, 0] = 0.0
        # Where both are impossible nothing is chosen; the way back never comes there.
        advanced[t] = enter > stay
        best = np.where(advanced[t], enter, stay) + scores[:, :, t]
    durations = np.zeros((batch, tokens), np.int64)
    rows = np.arange(batch)
    token = n_tokens - 1
    for t in range(frames - 1, -1, -1):
        active = t < n_frames
        durations[rows[active], token[active]] += 1
        # As many frames as tokens are left: every frame must enter a token.
        step = active & (token > 0) & (advanced[t, rows, token] | (token == t))
        token = token - step
    return durations


def prior_scores(mean: Tensor, log_std: Tensor, latent: Tensor) -> Tensor:
    """Log-likelihood of every latent frame under every token's Gaussian.

    Args:
        mean, log_std: [B, C, N].
        latent: [B, C, T].

    Returns:
        [B, N, T].
    """
    precision = torch.exp(-2.0 * log_std)
    constant = (-0.9189385332046727 - log_std - 0.5 * mean**2 * precision).sum(dim=1)
    square = (-0.5 * precision).transpose(1, 2) @ latent**2
    cross = (mean * precision).transpose(1, 2) @ latent
    return constant[:, :, None] + square + cross
