"""From mels and f0 to samples, stretch by stretch.

The vocoder graph predicts the filters of two sources; here they are applied in the STFT domain and
overlap-added (Vocos, Siuzdak 2023, with the source-filter idea of HiFT-Net, Li et al. 2023).  What
a graph with an output `target` gave is corrected once (`voicelet.synth.source_filter.correction`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FeatureConfig, FloatArray
from voicelet.engine import Graph
from voicelet.errors import BundleError
from voicelet.synth.base import check_graph, check_shapes
from voicelet.synth.source_filter.correction import Bands, Correction
from voicelet.synth.source_filter.stft import ExcitationSource, OverlapAdd, Window
from voicelet.synth.styles import whispered
from voicelet.trust.watermark.base import FrameMark

_LOG_GAIN = (-14.0, 6.0)
"""Filters are held in this range (natural log), as in training."""
_UNHEARD = -3.5
"""Frames whose harmonics lie 30 dB below the noise in every bin are made of noise alone."""
_MAX_BINS = 1 << 15
_BATCH_FRAMES = 64
"""Frames filtered at a time: their spectra stay in a core's cache."""


@dataclass(frozen=True)
class Filters:
    """What the graph says of some frames.

    Attributes:
        log_harmonic, log_noise: natural log magnitudes of both filters, [n, bins].
        phase: of the harmonic filter, in radians, [n, bins]; None turns nothing.
        target: natural log magnitudes of the mel's bands, [n, n_mels]; None corrects nothing.
    """

    log_harmonic: FloatArray
    log_noise: FloatArray
    phase: FloatArray | None
    target: FloatArray | None

    def __getitem__(self, cut: slice) -> Filters:
        parts = (self.log_harmonic, self.log_noise, self.phase, self.target)
        return Filters(*(None if p is None else p[cut] for p in parts))  # type: ignore[arg-type]


class Vocoder:
    """The vocoder graph and the sizes of its STFT.  Holds no state; threads may share it.

    Args:
        graph: role `vocoder`.
        context_frames: its receptive field on each side.
        features: of the bundle.

    Raises:
        BundleError: the graph's outputs don't fit the hop.
    """

    def __init__(self, graph: Graph, context_frames: int, features: FeatureConfig) -> None:
        outputs = {o.name: o.shape[-1] for o in graph.outputs}
        bins, hop = outputs.get("harmonic_log_magnitude"), features.hop_length
        if not isinstance(bins, int) or not 2 <= bins <= _MAX_BINS or (2 * (bins - 1)) % (2 * hop):
            raise BundleError(
                "the vocoder's window isn't an even number of hops; use another bundle"
            )
        filters = ("harmonic_log_magnitude", "noise_log_magnitude")
        check_graph(graph, ("mel", "log_f0", "voicing"), filters, "vocoder")
        self._shapes = {name: bins for name in outputs if name in (*filters, "harmonic_phase")}
        if "target" in outputs:
            self._shapes["target"] = features.n_mels
        self.graph, self.context_frames = graph, context_frames
        self.hop, self.rate, self.size = hop, features.sample_rate_hz, 2 * (bins - 1)
        # A graph that doesn't ask for voicing hears it in the mel; its pulses never pause.
        self.continuous = all(i.name != "voicing" for i in graph.inputs)
        self.window = Window(self.size, hop)
        if self.size < features.win_length:
            raise BundleError(
                "the vocoder's window is shorter than the features'; use another bundle"
            )
        self.bands = Bands(features, self.size) if "target" in outputs else None

    def filters(
        self, mel: FloatArray, log_f0: FloatArray, voicing: FloatArray, first: int, last: int
    ) -> Filters:
        """Filters of the frames `first` to `last` of a clause.

        Args:
            mel, log_f0, voicing: of the whole clause, filled at least to `last + context_frames`.
        """
        low = max(0, first - self.context_frames)
        high = min(len(mel), last + self.context_frames)
        feed = {"mel": mel[None, low:high], "log_f0": log_f0[None, low:high]}
        if not self.continuous:
            feed["voicing"] = voicing[None, low:high]
        out = self.graph.run(feed)
        shapes = {name: (1, high - low, width) for name, width in self._shapes.items()}
        check_shapes(out, shapes, "vocoder")
        cut = slice(first - low, last - low)
        part = {name: value[0, cut] for name, value in out.items()}
        return Filters(
            part["harmonic_log_magnitude"],
            part["noise_log_magnitude"],
            part.get("harmonic_phase"),
            part.get("target"),
        )


class ClauseVocoder:
    """Makes the samples of one clause, in order; holds what reaches over from stretch to stretch.

    Args:
        vocoder: shared.
        mel, log_f0, voicing: [T, bands], [T], [T]; the caller fills them ahead of `advance`.
        rng: of this clause.
        mark: its watermark, as gains of frames; None for copies of recordings, which are measured.
        whisper: give the harmonics' part to the noise.
        share: of the correction, 0 to 1.
    """

    def __init__(
        self,
        vocoder: Vocoder,
        mel: FloatArray,
        log_f0: FloatArray,
        voicing: FloatArray,
        rng: np.random.Generator,
        mark: FrameMark | None,
        whisper: bool = False,
        share: float = 1.0,
    ) -> None:
        self._vocoder = v = vocoder
        # A whisper lacks the low frequencies that a correction would give back.
        bands = None if whisper else v.bands
        self._correction = Correction(bands, v.window, mark, share) if bands else None
        self._mark, self._whisper = None if bands else mark, whisper
        self._mel, self._log_f0, self._voicing = mel, log_f0, voicing
        # Where pulses sound; a continuous source's are told by the filters, as these come.
        self._pulses = np.ones(len(mel), np.float32) if v.continuous else voicing
        self._source = ExcitationSource(v.hop, v.rate, v.size, rng)
        self._out = OverlapAdd(v.window)
        self._done = 0  # frames filtered so far
        self._drawn = -1  # first block of the sources that isn't drawn yet
        side = v.window.side
        self._harmonic = np.zeros(side, np.float32)  # sources from the next frame's start on
        self._noise = np.zeros(side, np.float32)

    @property
    def lookahead_frames(self) -> int:
        """How far past a frame the mels must be filled before it can be filtered."""
        return max(self._vocoder.context_frames, self._vocoder.window.overlap // 2 + 2)

    @property
    def delay_frames(self) -> int:
        """Frames that must be filtered past the last sample wanted."""
        later = self._correction.delay_frames if self._correction else 0
        return self._vocoder.window.delay_frames + later

    def end_at(self, frames: int) -> None:
        """End the clause after so many frames, none of which lies behind what was looked at."""
        self._mel, self._log_f0 = self._mel[:frames], self._log_f0[:frames]
        self._voicing, self._pulses = self._voicing[:frames], self._pulses[:frames]

    def advance(self, last: int) -> FloatArray:
        """Filter the frames up to `last`; returns what samples are now final."""
        if last == self._done:
            return np.zeros(0, np.float32)
        v, ends = self._vocoder, last == len(self._mel)
        filters = v.filters(self._mel, self._log_f0, self._voicing, self._done, last)
        if self._correction and filters.target is not None:
            self._correction.expect(filters.target)
        pieces = []
        for start in range(0, last - self._done, _BATCH_FRAMES):
            made = self._filter(filters[start : start + _BATCH_FRAMES])
            pieces.append(self._correction.advance(made, False) if self._correction else made)
        if ends:
            made = self._out.end()
            pieces.append(self._correction.advance(made, True) if self._correction else made)
        return np.concatenate(pieces)

    def _filter(self, filters: Filters) -> FloatArray:
        """Apply the filters of the next frames; returns a hop of samples for each."""
        v, w, n = self._vocoder, self._vocoder.window, len(filters.log_noise)
        log_h, log_n = filters.log_harmonic, filters.log_noise
        if v.continuous:
            # Pulses are drawn where they will be heard, as far as that is known.
            sounding = (log_h - log_n).max(axis=1) > _UNHEARD
            self._pulses[self._done : self._done + n] = _widened(sounding, w.overlap + 1)
        self._draw(self._done + n)
        need = (n - 1) * v.hop + v.size
        if self._whisper:
            log_n = whispered(log_h, log_n, v.rate)
        spectrum = w.spectra(self._noise[:need])
        spectrum *= np.exp(np.clip(log_n, *_LOG_GAIN))
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
            voice = np.fft.rfft(harmonic[heard] * w.analysis, axis=-1).astype(
                np.complex64, copy=False
            )
            voice *= _turned(
                np.exp(np.clip(log_h[heard], *_LOG_GAIN)),
                None if filters.phase is None else filters.phase[heard],
            )
            spectrum[heard] += voice
        if self._mark is not None:
            spectrum *= self._mark(self._done, n)
        self._done += n
        self._harmonic = self._harmonic[n * v.hop :]
        self._noise = self._noise[n * v.hop :]
        return self._out.add(w.frames(spectrum))

    def _draw(self, done: int) -> None:
        """Draw the sources as far as the frames before `done` reach."""
        v, total = self._vocoder, len(self._mel)
        # Block i lies between the centres of frames i and i + 1; the first and the last are halves.
        first, last = self._drawn, min(total, done + v.window.overlap // 2)
        if first >= last:
            return
        centres = np.clip(np.arange(first, last + 1), 0, total - 1)
        f0, voicing = self._log_f0[centres], self._pulses[centres]
        harmonic = self._source.harmonic(f0, voicing).reshape(-1)
        noise = self._source.noise(last - first).reshape(-1)
        low = v.hop // 2 if first < 0 else 0
        high = len(noise) - (v.hop // 2 if last == total else 0)
        after = np.zeros(v.window.side if last == total else 0, np.float32)
        self._harmonic = np.concatenate([self._harmonic, harmonic[low:high], after])
        self._noise = np.concatenate([self._noise, noise[low:high], after])
        self._drawn = last


def _turned(gain: FloatArray, phase: FloatArray | None) -> npt.NDArray[Any]:
    """A filter of this magnitude and phase; real where there is no phase."""
    if phase is None:
        return gain
    out = np.empty(gain.shape, np.complex64)
    np.multiply(np.cos(phase), gain, out=out.real)
    np.multiply(np.sin(phase), gain, out=out.imag)
    return out


def _widened(flags: npt.NDArray[np.bool_], frames: int) -> FloatArray:
    """1 where one of `flags` [n] lies within so many frames, else 0."""
    near = np.convolve(flags, np.ones(2 * frames + 1, np.float32))[frames : frames + len(flags)]
    out: FloatArray = (near > 0.5).astype(np.float32)
    return out
