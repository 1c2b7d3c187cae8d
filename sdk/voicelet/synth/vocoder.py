"""From mels and f0 to samples, stretch by stretch.

The vocoder graph predicts the filters of two sources; here they are applied in the STFT domain and
overlap-added (Vocos, Siuzdak 2023, with the source-filter idea of HiFT-Net, Li et al. 2023).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import hann_window
from voicelet.engine import Graph
from voicelet.errors import BundleError
from voicelet.synth.source import Source
from voicelet.synth.styles import whispered
from voicelet.trust.watermark import FrameGains

FloatArray = npt.NDArray[np.float32]
ComplexArray = npt.NDArray[np.complex64]

_LOG_GAIN = (-14.0, 6.0)
"""Filters are held in this range (natural log), as in training."""
_UNHEARD = -3.5
"""Frames whose harmonics lie 30 dB below the noise in every bin are made of noise alone."""
_BATCH_FRAMES = 64
"""Frames filtered at a time: their spectra stay in a core's cache."""


class Vocoder:
    """The vocoder graph and the sizes of its STFT.  Holds no state; threads may share it.

    Args:
        graph: role `vocoder`.
        context_frames: its receptive field on each side.
        hop, rate: samples in a frame, and in a second.

    Raises:
        BundleError: the graph's outputs don't fit the hop.
    """

    def __init__(self, graph: Graph, context_frames: int, hop: int, rate: int) -> None:
        bins = next((o.shape[-1] for o in graph.outputs if o.name == "harmonic_phase"), None)
        if not isinstance(bins, int) or (2 * (bins - 1)) % (2 * hop):
            raise BundleError(
                "the vocoder's window isn't an even number of hops; use another bundle"
            )
        self.graph, self.context_frames = graph, context_frames
        self.hop, self.rate, self.size = hop, rate, 2 * (bins - 1)
        # A graph that doesn't ask for voicing hears it in the mel; its pulses never pause.
        self.continuous = all(i.name != "voicing" for i in graph.inputs)
        self.window = hann_window(self.size)
        # The squared windows of overlapping frames sum to 0.375 · size / hop.
        self.synthesis_window = self.window / np.float32(0.375 * self.size / hop)

    def filters(
        self, mel: FloatArray, log_f0: FloatArray, voicing: FloatArray, first: int, last: int
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Filters of the frames `first` to `last` of a clause.

        Args:
            mel, log_f0, voicing: of the whole clause, filled at least to `last + context_frames`.

        Returns:
            log magnitude and phase of the harmonic filter, log magnitude of the noise filter,
            each [last - first, bins].
        """
        low = max(0, first - self.context_frames)
        high = min(len(mel), last + self.context_frames)
        feed = {"mel": mel[None, low:high], "log_f0": log_f0[None, low:high]}
        if not self.continuous:
            feed["voicing"] = voicing[None, low:high]
        out = self.graph.run(feed)
        cut = slice(first - low, last - low)
        return (
            out["harmonic_log_magnitude"][0, cut],
            out["harmonic_phase"][0, cut],
            out["noise_log_magnitude"][0, cut],
        )


class ClauseVocoder:
    """Makes the samples of one clause, in order; holds what reaches over from stretch to stretch.

    Args:
        vocoder: shared.
        mel, log_f0, voicing: [T, bands], [T], [T]; the caller fills them ahead of `advance`.
        rng: of this clause.
        mark: its watermark, as gains of frames.
        whisper: give the harmonics' part to the noise.
    """

    def __init__(
        self,
        vocoder: Vocoder,
        mel: FloatArray,
        log_f0: FloatArray,
        voicing: FloatArray,
        rng: np.random.Generator,
        mark: FrameGains | None = None,
        whisper: bool = False,
    ) -> None:
        self._vocoder = v = vocoder
        self._mark, self._whisper = mark, whisper
        self._mel, self._log_f0, self._voicing = mel, log_f0, voicing
        # Where pulses sound; a continuous source's are told by the filters, as these come.
        self._pulses = np.ones(len(mel), np.float32) if v.continuous else voicing
        self._source = Source(v.hop, v.rate, v.size, rng)
        self._done = 0  # frames filtered so far
        self._drawn = -1  # first block of the sources that isn't drawn yet
        self._overlap = v.size // v.hop - 1  # hops that a frame shares with those after it
        self._side = (v.size - v.hop) // 2  # samples before a frame's own hop that it reaches
        self._harmonic = np.zeros(self._side, np.float32)  # sources from the next frame's start on
        self._noise = np.zeros(self._side, np.float32)
        self._tail = np.zeros((self._overlap, v.hop), np.float32)
        self._skip = self._side  # samples before the clause that are still to be dropped

    @property
    def lookahead_frames(self) -> int:
        """How far past a frame the mels must be filled before it can be filtered."""
        return max(self._vocoder.context_frames, self._overlap // 2 + 2)

    @property
    def delay_frames(self) -> int:
        """Frames that must be filtered past the last sample wanted."""
        return (self._side + self._vocoder.hop - 1) // self._vocoder.hop

    def advance(self, last: int) -> FloatArray:
        """Filter the frames up to `last` (more than before); returns what samples are now final."""
        v, total = self._vocoder, len(self._mel)
        filters = v.filters(self._mel, self._log_f0, self._voicing, self._done, last)
        pieces = [
            self._filter(*(f[start : start + _BATCH_FRAMES] for f in filters))
            for start in range(0, last - self._done, _BATCH_FRAMES)
        ]
        if last == total:
            pieces.append(self._tail.reshape(-1)[: self._side])
        out = np.concatenate(pieces)
        skipped = min(self._skip, len(out))
        self._skip -= skipped
        return out[skipped:]

    def _filter(self, log_h: FloatArray, phase: FloatArray, log_n: FloatArray) -> FloatArray:
        """Apply the filters of the next frames; returns one hop of samples for each."""
        v, n = self._vocoder, len(log_h)
        if v.continuous:
            # Pulses are drawn where they will be heard, as far as that is known.
            sounding = (log_h - log_n).max(axis=1) > _UNHEARD
            self._pulses[self._done : self._done + n] = _widened(sounding, self._overlap + 1)
        self._draw(self._done + n)
        need = (n - 1) * v.hop + v.size
        if self._whisper:
            log_n = whispered(log_h, log_n, v.rate)
        gain = np.exp(np.clip(log_n, *_LOG_GAIN))
        spectrum = self._stft(self._noise[:need])
        spectrum *= gain
        harmonic = np.lib.stride_tricks.sliding_window_view(self._harmonic[:need], v.size)[:: v.hop]
        heard = self._harmonic[:need].reshape(-1, v.hop // 2).any(axis=1)
        heard = np.lib.stride_tricks.sliding_window_view(heard, 2 * v.size // v.hop)[::2].any(
            axis=1
        )
        if self._whisper:
            heard = np.zeros(n, np.bool_)
        elif v.continuous:
            heard &= sounding
        if heard.any():
            # Frames without voice, a third of speech, need no harmonic part.
            voice = np.fft.rfft(harmonic[heard] * v.window, axis=-1).astype(
                np.complex64, copy=False
            )
            gain = np.exp(np.clip(log_h[heard], *_LOG_GAIN))
            turn = np.empty(gain.shape, np.complex64)
            np.multiply(np.cos(phase[heard]), gain, out=turn.real)
            np.multiply(np.sin(phase[heard]), gain, out=turn.imag)
            voice *= turn
            spectrum[heard] += voice
        if self._mark is not None:
            spectrum *= self._mark(self._done, n)
        frames = np.fft.irfft(spectrum, v.size, axis=-1).astype(np.float32, copy=False)
        frames *= v.synthesis_window
        self._done += n
        self._harmonic = self._harmonic[n * v.hop :]
        self._noise = self._noise[n * v.hop :]
        return self._overlap_add(frames)

    def _stft(self, wave: FloatArray) -> ComplexArray:
        v = self._vocoder
        frames = np.lib.stride_tricks.sliding_window_view(wave, v.size)[:: v.hop]
        return np.fft.rfft(frames * v.window, axis=-1).astype(np.complex64, copy=False)

    def _overlap_add(self, frames: FloatArray) -> FloatArray:
        v, n = self._vocoder, len(frames)
        hops = frames.reshape(n, self._overlap + 1, v.hop)
        out = np.zeros((n + self._overlap, v.hop), np.float32)
        out[: self._overlap] = self._tail
        for i in range(self._overlap + 1):
            out[i : i + n] += hops[:, i]
        self._tail = out[n:].copy()
        return out[:n].reshape(-1)

    def _draw(self, done: int) -> None:
        """Draw the sources as far as the frames before `done` reach."""
        v, total = self._vocoder, len(self._mel)
        # Block i lies between the centres of frames i and i + 1; the first and the last are halves.
        first, last = self._drawn, min(total, done + self._overlap // 2)
        if first >= last:
            return
        centres = np.clip(np.arange(first, last + 1), 0, total - 1)
        f0, voicing = self._log_f0[centres], self._pulses[centres]
        harmonic = self._source.harmonic(f0, voicing).reshape(-1)
        noise = self._source.noise(last - first).reshape(-1)
        low = v.hop // 2 if first < 0 else 0
        high = len(noise) - (v.hop // 2 if last == total else 0)
        after = np.zeros(self._side if last == total else 0, np.float32)
        self._harmonic = np.concatenate([self._harmonic, harmonic[low:high], after])
        self._noise = np.concatenate([self._noise, noise[low:high], after])
        self._drawn = last


def _widened(flags: npt.NDArray[np.bool_], frames: int) -> FloatArray:
    """1 where one of `flags` [n] lies within so many frames, else 0."""
    near = np.convolve(flags, np.ones(2 * frames + 1, np.float32))[frames : frames + len(flags)]
    out: FloatArray = (near > 0.5).astype(np.float32)
    return out
