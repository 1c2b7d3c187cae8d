"""Forced alignment: the likeliest way through a known sequence of tokens, given frame posteriors.

Viterbi search over a left-to-right chain (Rabiner 1989), with posteriors divided by priors as
emission scores (Bourlard & Morgan 1994).  Every token takes at least one frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.text.phones import PUNCTUATION, PhoneInventory

IntArray = npt.NDArray[np.int64]

PAUSES = PUNCTUATION.replace(" ", "") + "_"
"""Symbols that the corpus fills with silence."""


@dataclass(frozen=True)
class AlignConfig:
    """Settings of the search.

    Attributes:
        prior_weight: share of the log prior taken from the log posterior, 0..1; rare symbols gain.
        floor: least log posterior, so that one impossible frame can't outweigh a whole path.
        silence_cost: nats that a frame of silence costs a space or a mark beyond its own score.
        least_frames: shortest token, where the utterance is long enough for it (else 1); the
            teacher corpus has no shorter one.
    """

    prior_weight: float = 0.6
    floor: float = -9.0
    silence_cost: float = 0.5
    least_frames: int = 2


@dataclass(frozen=True)
class Alignment:
    """Frames of each token, and how well they fit.

    Attributes:
        durations_frames: int64 [tokens], each at least 1, summing to the frames.
        token_log_posterior: mean log posterior of each token over its frames, float32 [tokens];
            silence counts as a space's or a mark's own.
    """

    durations_frames: IntArray
    token_log_posterior: FloatArray

    @property
    def starts(self) -> IntArray:
        """First frame of each token, int64 [tokens]."""
        ends: IntArray = np.cumsum(self.durations_frames)
        return ends - self.durations_frames


def viterbi(emission: FloatArray) -> IntArray:
    """Best monotonic segmentation of frames into a chain of tokens.

    Args:
        emission: score of each token on each frame, [frames, tokens]; higher fits better.

    Returns:
        int64 [tokens]: frames of each token, at least 1 each, summing to `frames`.

    Raises:
        ValueError: fewer frames than tokens, or no token.
    """
    frames, tokens = emission.shape
    if not 0 < tokens <= frames:
        raise ValueError(f"{tokens} tokens can't share {frames} frames")
    score = np.full(tokens, -np.inf)
    score[0] = emission[0, 0]
    moved = np.zeros((frames, tokens), dtype=np.bool_)
    before = np.full(tokens, -np.inf)
    for t in range(1, frames):
        before[1:] = score[:-1]
        moved[t] = before > score
        score = np.maximum(before, score) + emission[t]
    durations = np.zeros(tokens, dtype=np.int64)
    token = tokens - 1
    for t in range(frames - 1, -1, -1):
        durations[token] += 1
        token -= int(moved[t, token])
    return durations


class ForcedAligner:
    """Aligns token sequences of an inventory to log posteriors.

    Args:
        log_prior: log share of frames of each symbol in the training labels, [symbols].
        inventory: symbols in the order of the posteriors' columns.
    """

    def __init__(
        self,
        log_prior: FloatArray,
        inventory: PhoneInventory = PhoneInventory(),
        config: AlignConfig = AlignConfig(),
    ) -> None:
        if len(log_prior) != len(inventory.symbols):
            raise ValueError("every symbol needs one log prior")
        self.log_prior, self.inventory, self.config = log_prior, inventory, config
        symbols = inventory.symbols
        self._silent = np.array([i for i, s in enumerate(symbols) if s in PAUSES], dtype=np.int64)
        self._flexible = np.array([s in PAUSES or s == " " for s in symbols])

    def silence(self, log_posterior: FloatArray) -> FloatArray:
        """Log posterior of any kind of silence on each frame, [frames]."""
        total = np.exp(log_posterior[:, self._silent]).sum(axis=1)
        log_silence: FloatArray = np.log(np.maximum(total, 1e-9)).astype(np.float32)
        return log_silence

    def align(self, log_posterior: FloatArray, tokens: IntArray) -> Alignment:
        """Align one utterance.

        Args:
            log_posterior: [frames, symbols].
            tokens: symbol indices [tokens], the pads at both ends included.

        Raises:
            ValueError: fewer frames than tokens.
        """
        config = self.config
        own = log_posterior[:, tokens]
        scaled = np.maximum(own, config.floor) - config.prior_weight * self.log_prior[tokens]
        flexible = self._flexible[tokens]
        silence = self.silence(log_posterior)
        prior = np.log(np.exp(self.log_prior[self._silent]).sum())
        pause = np.maximum(silence, config.floor) - config.prior_weight * prior
        # People pause where a transcript has no mark: any space may hold silence.
        pause = pause - config.silence_cost
        emission = np.where(flexible[None, :], np.maximum(scaled, pause[:, None]), scaled)
        states = max(1, min(config.least_frames, len(emission) // max(1, len(tokens))))
        durations = viterbi(np.repeat(emission, states, axis=1)).reshape(-1, states).sum(axis=1)
        fit = np.where(flexible[None, :], np.maximum(own, silence[:, None]), own)
        path = fit[np.arange(len(fit)), np.repeat(np.arange(len(tokens)), durations)]
        starts = np.cumsum(durations) - durations
        means = np.add.reduceat(path, starts) / durations
        return Alignment(durations, means.astype(np.float32))
