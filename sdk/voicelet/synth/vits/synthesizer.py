"""VITS voices (Kim et al. 2021) made for Piper: the same streaming, chunked as exactly.

A clause's phonemes are encoded once and its latents drawn, frame by frame.  The flow and the
decoder then run on stretches of frames with as many neighbours as they see.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.bundle import Bundle
from voicelet.config import did_you_mean
from voicelet.engine import Graph
from voicelet.errors import BundleError, ConfigError, ProfileError
from voicelet.piper.config import read_config
from voicelet.piper.front_end import CharacterFrontEnd, NoFrontEnd
from voicelet.piper.symbols import open_symbols
from voicelet.synth.base import (
    Check,
    FrontEnd,
    OpenGraph,
    Rendering,
    check_graph,
    check_marked,
    check_shapes,
)
from voicelet.synth.compression.rendering import CompressedRendering, model_pace
from voicelet.synth.front_end import open_front_end
from voicelet.synth.marking import MarkedRendering
from voicelet.synth.types import Controls, Speaker
from voicelet.text.front_end import Pronunciations
from voicelet.text.phones import PUNCTUATION
from voicelet.text.reading import PLAIN, Reading
from voicelet.text.words import Accent, Tone
from voicelet.trust.watermark.base import ClauseWatermark

IntArray = npt.NDArray[np.int64]

log = logging.getLogger(__name__)

FIRST_FRAMES = (16, 48, 128)
"""Frames of a stream's first stretches; the decoder is some eight times as slow as the default
voice's, so they grow more gently."""
STRETCH_FRAMES = 320
OFFLINE_FRAMES = 384
TAIL_FRAMES = 3
"""Frames that are kept behind the last sound of a clause; it decays within them."""
FLOW_FRAMES = 2048
"""Frames that the flow runs on at once; its long context makes shorter runs wasteful."""
MAX_ID_FRAMES = 600
"""No phoneme is held longer than this (7 s), whatever the model says."""
MAX_FRAMES = 20_000
_MAX_LOG_DEVIATION = 10.0


class VitsSpeakers:
    """The speakers of a voice by name; their vectors are their ids, int64 [1].

    Args:
        bundle: its presets are the names.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._ids = {p.name: p.index for p in bundle.manifest.presets}

    @property
    def names(self) -> tuple[str, ...]:
        """The presets, the default first."""
        return tuple(self._ids)

    def vector(self, profile: Speaker | None, preset: str | None) -> IntArray:
        """See `voicelet.synth.base.Speakers.vector`."""
        if profile is not None:
            raise ProfileError(
                "this voice was made for Piper and can't speak as anybody else; use a voice that "
                "clones, such as the default one (Voice.load())"
            )
        if preset is None:
            return np.array([next(iter(self._ids.values()), 0)], np.int64)
        if preset not in self._ids:
            names = ", ".join(list(self._ids)[:20]) or "none"
            raise ConfigError(
                f"no preset {preset!r}{did_you_mean(str(preset), self._ids)}; this voice has "
                f"{names}"
            )
        return np.array([self._ids[preset]], np.int64)


class VitsSynthesizer:
    """A bundle of the architecture "piper-vits"; see `voicelet.synth.base.Synthesizer`.

    Args:
        bundle: verified.
        open_graph: opens a graph by its role.

    Raises:
        BundleError: the bundle lacks a graph or its JSON, or one can't be run.
    """

    first_frames, stretch_frames = FIRST_FRAMES, STRETCH_FRAMES
    offline_frames = OFFLINE_FRAMES
    shifts_pitch = False

    def __init__(self, bundle: Bundle, open_graph: OpenGraph) -> None:
        self._bundle = bundle
        self.config = read_config(bundle)
        self._symbols = open_symbols(self.config)
        self.speakers = VitsSpeakers(bundle)
        self.hop, self.rate = bundle.manifest.features.hop_length, bundle.manifest.sample_rate_hz
        self._encoder = open_graph("vits_encoder", keeps_memory=True)
        inputs = ("input", "input_lengths", "scales", "duration_noise", "sid")
        outputs = ("mean", "log_deviation", "durations")
        check_graph(self._encoder, inputs, outputs, "vits_encoder")
        self.flow = Stretcher(
            open_graph("vits_flow", keeps_memory=True),
            bundle.graph("vits_flow").context_frames,
            "prior",
            1,
        )
        self.decoder = Stretcher(
            open_graph("vits_decoder", keeps_memory=True),
            bundle.graph("vits_decoder").context_frames,
            "latent",
            self.hop,
        )

    def open_front_end(
        self, user_lexicon: Pronunciations, engine: str, user_rules: Sequence[str | Path] = ()
    ) -> FrontEnd:
        """The English front end, characters as they are, or one that says why it can't read."""
        if self.config.is_english:
            return open_front_end(self._bundle, user_lexicon, engine, user_rules)
        if self.config.phoneme_type == "text":
            return CharacterFrontEnd()
        return NoFrontEnd(self.config.language)

    def check(self, controls: Controls, reading: Reading = PLAIN) -> None:
        """Refuse what needs an f0: VITS has none to shift."""
        if controls.whisper or controls.pitch_range != 1.0:
            raise ConfigError(
                "this voice was made for Piper, which knows no styles; leave style at neutral, or"
                " use a voice of voicelet's own"
            )
        if reading.capitals == "pitch":
            raise ConfigError(
                "this voice was made for Piper, whose pitch can't be raised for capitals; use "
                'capitals="say" or "tone", or a voice of voicelet\'s own'
            )
        if controls.pitch_semitones:
            raise ConfigError(
                "this voice was made for Piper, whose pitch can't be shifted; leave "
                "pitch_semitones at 0, or use a voice of voicelet's own"
            )

    def begin(
        self,
        phones: str,
        speaker: npt.NDArray[Any],
        controls: Controls,
        rng: np.random.Generator,
        mark: ClauseWatermark | None,
        tones: Sequence[Tone] = (),
        accents: Sequence[Accent] = (),
    ) -> Rendering:
        """Encode a clause and draw its latents.

        Its melody is in them, so `tones` and `accents` are ignored.
        """
        check_marked(mark)
        config = self.config
        controls, factor = model_pace(controls)
        if controls.pitch_semitones:
            log.warning("this voice's pitch can't be shifted; a clause's SSML asks for it")
        encoded = self._symbols.encode(phones)
        count = len(encoded.ids)
        scales = [config.noise_scale, config.length_scale / controls.speed, config.noise_w]
        outputs = run(
            self._encoder,
            {
                "input": encoded.ids[None],
                "input_lengths": np.array([count], np.int64),
                "scales": np.array(scales, np.float32),
                "duration_noise": rng.standard_normal((1, 2, count), np.float32),
                "sid": speaker,
            },
        )
        shapes = {"mean": (1, count, None), "log_deviation": (1, count, None)}
        check_shapes(outputs, {**shapes, "durations": (1, 1, count)}, "vits_encoder")
        check_shapes(outputs, {"log_deviation": outputs["mean"].shape}, "vits_encoder")
        frames = id_frames(outputs["durations"].reshape(-1))
        index = np.repeat(np.arange(count), frames)
        prior = rng.standard_normal((len(index), outputs["mean"].shape[2]), np.float32)
        deviation = np.exp(np.minimum(outputs["log_deviation"][0], _MAX_LOG_DEVIATION))
        prior *= (deviation * np.float32(config.noise_scale))[index]
        prior += outputs["mean"][0][index]
        tokens = np.bincount(encoded.owner, frames, minlength=len(phones) + 2).astype(np.float64)
        ends = np.cumsum(tokens)
        # The silence behind the last sound is left to the pause that the text asks for.
        sounding = [i for i, phone in enumerate(phones) if phone not in PUNCTUATION]
        if sounding:
            prior = prior[: int(ends[sounding[-1] + 1]) + TAIL_FRAMES]
        ends_s: npt.NDArray[np.float64] = ends.clip(0.0, len(prior)) * (self.hop / self.rate)
        rendering: Rendering = VitsRendering(self, np.ascontiguousarray(prior.T), ends_s, speaker)
        if factor != 1.0:
            rendering = CompressedRendering(rendering, phones, factor, self.hop, self.rate)
        return MarkedRendering(rendering, mark, self.hop, self.rate) if mark else rendering


class VitsRendering:
    """A clause: latents and then samples, stretch by stretch.

    Args:
        synthesizer: shared.
        prior: what the flow is given, [C, T].
        ends_s: when each phone ends, in seconds.
        speaker: id, int64 [1].
    """

    def __init__(
        self,
        synthesizer: VitsSynthesizer,
        prior: FloatArray,
        ends_s: npt.NDArray[np.float64],
        speaker: IntArray,
    ) -> None:
        self._flow, self._decoder = synthesizer.flow, synthesizer.decoder
        self._prior, self._speaker = prior, speaker
        self._latent = np.zeros_like(prior)
        self.frames, self.ends_s = prior.shape[1], ends_s
        self._flowed = self._decoded = 0

    def advance(self, last: int, check: Check) -> FloatArray:
        """Flow as far as the decoder sees, and decode; see `voicelet.synth.base.Rendering`."""
        target = min(self.frames, last + self._decoder.context_frames)
        if target > self._flowed:
            if (
                self._flowed or last > FIRST_FRAMES[0]
            ):  # no longer the first stretch: latency doesn't matter
                target = min(self.frames, max(target, self._flowed + FLOW_FRAMES))
            self._latent[:, self._flowed : target] = self._flow(
                self._prior, self._flowed, target, self._speaker
            )
            self._flowed = target
            check()
        samples: FloatArray = self._decoder(self._latent, self._decoded, last, self._speaker)[0]
        self._decoded = last
        if not np.isfinite(samples).all():
            raise BundleError("the voice's graphs gave numbers that aren't finite; fetch it again")
        return samples


class Stretcher:
    """A convolutional graph, run on a stretch of a longer sequence as if on all of it.

    Args:
        graph: one sequence in, one out.
        context_frames: its receptive field on each side.
        name: of the sequence it takes.
        width: values out for a frame in.
    """

    def __init__(self, graph: Graph, context_frames: int, name: str, width: int) -> None:
        check_graph(graph, (name, "sid"), (), name)
        if len(graph.outputs) != 1:
            raise BundleError(f"the graph that takes {name!r} must give one tensor")
        self._graph, self.context_frames = graph, context_frames
        self._name, self._width = name, width

    def __call__(
        self, sequence: FloatArray, first: int, last: int, speaker: IntArray
    ) -> FloatArray:
        """Frames `first` to `last` of a sequence [C, T]; returns [C', (last - first) · width]."""
        low = max(0, first - self.context_frames)
        high = min(sequence.shape[1], last + self.context_frames)
        cut = np.ascontiguousarray(sequence[None, :, low:high])
        (out,) = run(self._graph, {self._name: cut, "sid": speaker}).values()
        if out.ndim != 3 or out.shape[2] != (high - low) * self._width:
            raise BundleError("the voice's frames and samples don't go together; import it again")
        stretch: FloatArray = out[
            0, :, (first - low) * self._width : (last - low) * self._width
        ].astype(np.float32, copy=True)
        return stretch


def run(graph: Graph, inputs: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Run a graph on those of `inputs` that it takes: voices of one speaker take no `sid`."""
    return graph.run({t.name: inputs[t.name] for t in graph.inputs if t.name in inputs})


def id_frames(durations: FloatArray) -> IntArray:
    """Whole frames of every id, [M] → int64 [M]; at least one in all.

    Raises:
        BundleError: there are too many.
    """
    finite = np.nan_to_num(durations, nan=0.0, posinf=MAX_ID_FRAMES, neginf=0.0)
    frames: IntArray = np.rint(finite.clip(0.0, MAX_ID_FRAMES)).astype(np.int64)
    if not frames.any():
        frames[-1] = 1
    if frames.sum() > MAX_FRAMES:
        raise BundleError("the voice makes a clause unbearably long; fetch the voice again")
    return frames
