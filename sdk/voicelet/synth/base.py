"""What a kind of voice must offer to be spoken by the one streaming pipeline.

The default voice (FastSpeech 2 and a source-filter vocoder) is one kind, VITS voices made for Piper
are another.  A bundle's manifest names its kind; `synth/base.py` knows them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.bundle import Bundle
from voicelet.config import did_you_mean
from voicelet.engine import Graph
from voicelet.errors import BundleError, WatermarkError
from voicelet.synth.types import Controls, Speaker
from voicelet.text.front_end import Pronunciations, Ssml
from voicelet.text.reading import PLAIN, Reading
from voicelet.text.words import Accent, PhoneClause, Tone
from voicelet.trust.watermark.base import ClauseWatermark
from voicelet.trust.watermark.mark import is_marking

Check = Callable[[], None]
"""Called between runs of graphs; raises `CancelledError` when the stream is to end."""


class OpenGraph(Protocol):
    """Opens a graph of a bundle by its role."""

    def __call__(self, role: str, *, keeps_memory: bool = False) -> Graph:
        """Open it on the first engine that serves it.

        Args:
            keeps_memory: see `voicelet.engine.GraphLayout`.

        Raises:
            BundleError: there is no such graph, or no engine for it.
        """


class FrontEnd(Protocol):
    """Text in, clauses of phones out, lazily; `voicelet.text.front_end.TextFrontEnd` is one."""

    def clauses(
        self, text: str, *, ssml: Ssml | None = None, reading: Reading = PLAIN
    ) -> Iterator[PhoneClause]:
        """Yield the clauses of a text.

        Raises:
            TextError: the text can't be spoken by this voice.
        """


class Speakers(Protocol):
    """Whom a voice can speak as."""

    @property
    def names(self) -> tuple[str, ...]:
        """The presets, the default first."""

    def vector(self, profile: Speaker | None, preset: str | None) -> npt.NDArray[Any]:
        """The speaker input of the voice's graphs; the default speaker's without either.

        Raises:
            ConfigError: both are given, or there is no such preset.
            ProfileError: the profile doesn't fit this voice.
        """


class Rendering(Protocol):
    """One clause on its way to samples; belongs to one stream."""

    @property
    def frames(self) -> int:
        """Its length, in frames of the voice.

        It may become less as the clause is rendered, down to the frames that were asked for.
        """

    @property
    def ends_s(self) -> npt.NDArray[np.float64]:
        """When each phone ends, pads included, in seconds of the clause, as it is heard [N + 2]."""

    def advance(self, last: int, check: Check) -> FloatArray:
        """Samples of the frames up to `last` (more than before) that weren't given before.

        Where `frames` becomes less than `last`, they end there.

        How a clause is cut doesn't change its samples, to 1e-3 at least.

        Raises:
            BundleError: the model gave numbers that aren't finite.
            CancelledError: by `check`.
        """


class Synthesizer(Protocol):
    """The graphs of a voice, opened.  Holds no state of a stream; threads may share it."""

    @property
    def hop(self) -> int:
        """Samples in a frame."""

    @property
    def rate(self) -> int:
        """Sample rate in Hz."""

    @property
    def first_frames(self) -> Sequence[int]:
        """Frames of a stream's first stretches; the first is short, to start early."""

    @property
    def stretch_frames(self) -> int:
        """Frames of all further stretches."""

    @property
    def shifts_pitch(self) -> bool:
        """Whether it can speak at another pitch."""

    @property
    def offline_frames(self) -> int:
        """Frames of a stretch in offline synthesis; bounds the memory needed."""

    @property
    def speakers(self) -> Speakers:
        """Whom it can speak as."""

    def open_front_end(
        self, user_lexicon: Pronunciations, engine: str, user_rules: Sequence[str | Path] = ()
    ) -> FrontEnd:
        """Open the text front end.

        Args:
            user_lexicon: the caller's pronunciations.
            engine: of the graphs it needs, as in `Voice.load`.
            user_rules: files of the caller's own rules of reading.

        Raises:
            BundleError: the bundle lacks what it needs.
            PackError: a file of rules can't be read.
            LexiconError: the user lexicon can't be read.
        """

    def check(self, controls: Controls, reading: Reading = PLAIN) -> None:
        """Refuse what this kind of voice can't do.

        Raises:
            ConfigError: naming the control, or the way of reading.
        """

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
        """Encode a clause.

        Args:
            phones: symbols of the voice, without pads.
            speaker: of `speakers.vector`.
            controls: of this clause.
            rng: all randomness of the clause comes from it.
            mark: the watermark that its samples are to carry; None only under the research switch
                of `voicelet.trust.watermark.mark`.
            tones: where its pitch turns; a voice that has a melody of its own ignores them.
            accents: words that are emphasized; such a voice may ignore them, too.

        Raises:
            PhoneError: a symbol isn't one of the voice's.
            WatermarkError: there is no mark, though speech is to be marked.
        """


def check_marked(mark: ClauseWatermark | None) -> None:
    """Refuse to make unmarked samples; called by all that makes samples of a speaker.

    Raises:
        WatermarkError: there is no mark, and the research switch isn't set.
    """
    if mark is None and is_marking():
        raise WatermarkError("speech is made with a watermark; speak through voicelet.Voice")


def check_shapes(
    outputs: Mapping[str, npt.NDArray[Any]],
    expected: Mapping[str, tuple[int | None, ...]],
    role: str,
) -> None:
    """Compare what a graph gave with what its role asks of it.

    Args:
        outputs: of `Graph.run`.
        expected: name → length of every axis, None for any.
        role: of the graph, for the message.

    Raises:
        BundleError: naming the first output that is missing or has another shape.
    """
    for name, shape in expected.items():
        value = outputs.get(name)
        if (
            value is not None
            and value.dtype == np.float32
            and len(value.shape) == len(shape)
            and all(b in (None, a) for a, b in zip(value.shape, shape))
        ):
            continue
        axes = ", ".join("?" if axis is None else str(axis) for axis in shape)
        there = "is missing" if value is None else f"is {value.dtype} {list(value.shape)}"
        raise BundleError(
            f"the output {name!r} of the graph {role!r} {there}, where it must be float32 [{axes}];"
            " use another bundle"
        )


def check_graph(graph: Graph, inputs: Iterable[str], outputs: Iterable[str], role: str) -> None:
    """Compare the names of a graph's tensors with those that its role has; others may be there.

    Args:
        inputs: all that the graph may take.
        outputs: all that it must give.

    Raises:
        BundleError: naming the first that is missing or not known.
    """
    known, given = set(inputs), {t.name for t in graph.outputs}
    for tensor in graph.inputs:
        if tensor.name not in known:
            raise BundleError(
                f"the graph {role!r} takes {tensor.name!r}, which nothing gives it; it may take"
                f" {', '.join(sorted(known))}"
            )
    for name in outputs:
        if name not in given:
            raise BundleError(f"the graph {role!r} gives no {name!r}; use another bundle")


ARCHITECTURES = {
    "voicelet": "voicelet.synth.source_filter.synthesizer:FastSpeechSynthesizer",
    "piper-vits": "voicelet.synth.vits.synthesizer:VitsSynthesizer",
}
"""The kinds of voice that this runtime can speak: the name that manifests give a kind → the class
that speaks it, imported when it is needed."""


def open_synthesizer(bundle: Bundle, open_graph: OpenGraph) -> Synthesizer:
    """Open the graphs of a bundle.

    Args:
        bundle: verified.
        open_graph: opens a graph by its role.

    Raises:
        BundleError: its architecture isn't known, it lacks a graph, or one can't be run.
    """
    name = bundle.manifest.architecture
    if name not in ARCHITECTURES:
        raise BundleError(
            f"bundle {bundle.manifest.name!r} is of the architecture {name!r}"
            f"{did_you_mean(name, ARCHITECTURES)}; this voicelet speaks "
            f"{', '.join(ARCHITECTURES)}; upgrade it"
        )
    module, _, attribute = ARCHITECTURES[name].partition(":")
    synthesizer: Synthesizer = getattr(import_module(module), attribute)(bundle, open_graph)
    return synthesizer
