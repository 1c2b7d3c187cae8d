"""Fundamental frequency by normalized autocorrelation.

After Boersma, "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound" (1993): the autocorrelation of a windowed frame is
divided by that of the window, peaks are refined by a parabola, and the best path through the
candidates is found by dynamic programming.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray, hann_window

_CANDIDATES = 4
_BLOCK = 2048


@dataclass(frozen=True)
class F0Config:
    """Settings of the estimator.

    Attributes:
        f_min_hz, f_max_hz: range of the search.
        voicing_threshold: normalized autocorrelation (0..1) above which a frame may be voiced.
        silence_db: frames this far below the loudest are unvoiced.
        octave_cost: how much a candidate loses per octave below `f_max_hz`.
        jump_cost: cost of a jump of one octave between neighbouring voiced frames.
        switch_cost: cost of turning voicing on or off.
    """

    f_min_hz: float = 60.0
    f_max_hz: float = 500.0
    voicing_threshold: float = 0.48
    silence_db: float = 35.0
    octave_cost: float = 0.03
    jump_cost: float = 0.6
    switch_cost: float = 0.1


def estimate_f0(
    samples: npt.ArrayLike,
    sample_rate_hz: int,
    hop_length: int,
    config: F0Config = F0Config(),
) -> FloatArray:
    """Estimate f0 on the frame grid of `features.log_mel`.

    Args:
        samples: mono float waveform [n].
        sample_rate_hz: its rate.
        hop_length: samples between frames.

    Returns:
        float32 [max(1, n // hop_length)] in Hz; 0 where unvoiced.
    """
    wave = np.asarray(samples, dtype=np.float32)
    n_frames = max(1, len(wave) // hop_length)
    step = max(1, sample_rate_hz // 8000)  # 8 kHz is enough for f0 and three times as fast
    usable = len(wave) - len(wave) % step
    low = wave[:usable].reshape(-1, step).mean(axis=1) if step > 1 else wave
    rate = sample_rate_hz / step
    win = int(3.0 * rate / config.f_min_hz)
    half_hop = hop_length / step
    centres = ((np.arange(n_frames) + 0.5) * half_hop).astype(np.int64)
    padded = np.pad(low, (win // 2, win))
    view = np.lib.stride_tricks.sliding_window_view(padded, win)
    window = hann_window(win)
    n_fft = 1 << int(np.ceil(np.log2(win * 1.5)))
    window_ac = np.fft.irfft(np.abs(np.fft.rfft(window, n_fft)) ** 2)
    lag_min = max(2, int(rate / config.f_max_hz))
    lag_max = min(win // 2, int(np.ceil(rate / config.f_min_hz)))
    f0 = np.zeros((n_frames, _CANDIDATES), dtype=np.float32)
    strength = np.zeros((n_frames, _CANDIDATES), dtype=np.float32)
    level = np.zeros(n_frames, dtype=np.float32)
    for start in range(0, n_frames, _BLOCK):
        block = view[np.minimum(centres[start : start + _BLOCK], len(view) - 1)]
        block = (block - block.mean(axis=1, keepdims=True)) * window
        spectrum = np.fft.rfft(block, n_fft, axis=1)
        ac = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, : lag_max + 2]
        level[start : start + _BLOCK] = ac[:, 0]
        norm = ac / np.maximum(ac[:, :1], 1e-12) / (window_ac[: lag_max + 2] / window_ac[0])
        candidates = _peaks(norm.astype(np.float32), lag_min, lag_max, rate, config)
        f0[start : start + _BLOCK], strength[start : start + _BLOCK] = candidates
    loudest = float(level.max()) if n_frames else 0.0
    silent = level <= max(loudest * 10.0 ** (-config.silence_db / 10.0), 1e-9)
    strength[silent] = 0.0
    return _best_path(f0, strength, config)


def _peaks(
    norm: FloatArray, lag_min: int, lag_max: int, rate: float, config: F0Config
) -> tuple[FloatArray, FloatArray]:
    """The strongest autocorrelation peaks of each frame: (f0 [n, 4], strength [n, 4])."""
    inner = norm[:, lag_min : lag_max + 1]
    before = norm[:, lag_min - 1 : lag_max]
    after = norm[:, lag_min + 1 : lag_max + 2]
    is_peak = (inner > before) & (inner >= after) & (inner > 0.2)
    curve = before - 2.0 * inner + after
    shift = np.where(is_peak, 0.5 * (before - after) / np.where(curve == 0.0, -1.0, curve), 0.0)
    height = inner - 0.25 * (before - after) * shift
    freq = rate / (np.arange(lag_min, lag_max + 1)[None, :] + shift)
    score = np.where(
        is_peak, height - config.octave_cost * np.log2(config.f_max_hz / freq), -np.inf
    )
    best = np.argpartition(-score, _CANDIDATES, axis=1)[:, :_CANDIDATES]
    top = np.take_along_axis(score, best, axis=1)
    ok = np.isfinite(top)
    freqs = np.where(ok, np.take_along_axis(freq, best, axis=1), 0.0)
    return freqs.astype(np.float32), np.where(ok, np.clip(top, 0.0, 1.0), 0.0).astype(np.float32)


def _best_path(f0: FloatArray, strength: FloatArray, config: F0Config) -> FloatArray:
    """Viterbi over [unvoiced, candidate 1..n] of each frame."""
    n_frames, n_candidates = f0.shape
    log_f0 = np.log2(np.maximum(f0, 1.0))
    reward = np.concatenate(
        [np.full((n_frames, 1), config.voicing_threshold, np.float32), strength], axis=1
    )
    reward[:, 1:][f0 <= 0.0] = -1e3
    total = reward[0].astype(np.float64)
    back = np.zeros((n_frames, n_candidates + 1), dtype=np.int8)
    cost = np.zeros((n_candidates + 1, n_candidates + 1))
    cost[0, 1:] = cost[1:, 0] = config.switch_cost
    for t in range(1, n_frames):
        cost[1:, 1:] = config.jump_cost * np.abs(log_f0[t - 1][:, None] - log_f0[t][None, :])
        options = total[:, None] - cost
        back[t] = options.argmax(axis=0)
        total = options[back[t], np.arange(n_candidates + 1)] + reward[t]
    path = np.zeros(n_frames, dtype=np.int64)
    path[-1] = int(total.argmax())
    for t in range(n_frames - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    best_f0 = np.where(path > 0, f0[np.arange(n_frames), np.maximum(path - 1, 0)], 0.0)
    return best_f0.astype(np.float32)
