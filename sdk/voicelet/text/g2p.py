"""Letters to phones by a small neural network, for words the lexicon lacks.

The graph reads `letters` int64 [1, L] (the word's letters as index in :data:`LETTERS` plus one,
with a 0 before and after) and returns `logits` float32 [1, F · L, U].  At each frame the likeliest
of U units is taken; repeats are merged and blanks dropped (greedy CTC, Graves et al. 2006).  The
units, the blank first as the empty string, travel in the graph's metadata under `units`, as JSON.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from voicelet.errors import BundleError
from voicelet.text.phones import VOWELS

if TYPE_CHECKING:
    import onnxruntime

LETTERS = "abcdefghijklmnopqrstuvwxyz'"
"""Letters the network reads; index 0 is the edge of the word."""

LONGEST_WORD = 40
"""Letters read at once; longer words go in pieces."""


def encode_letters(word: str) -> npt.NDArray[np.int64]:
    """Indices of a word's letters between two edges; other characters are left out.

    Returns:
        int64 [number of letters + 2].
    """
    index = [LETTERS.find(letter) + 1 for letter in word]
    return np.array([0, *(i for i in index if i), 0], dtype=np.int64)


def decode_units(logits: npt.NDArray[np.float32], units: Sequence[str]) -> str:
    """Greedy CTC, with one primary stress a word.

    Args:
        logits: [T, len(units)]; unit 0 is the blank.

    Returns:
        Phones.  The primary stress is on the vowel where its score is highest relative to the
        vowel's other forms; other vowels keep at most a secondary one.
    """
    best = np.argmax(logits, axis=-1)
    changes = np.concatenate(([True], best[1:] != best[:-1])) if best.size else best
    frames = [int(frame) for frame in np.flatnonzero(changes) if best[frame]]
    decoded = [units[int(best[frame])] for frame in frames]
    index = {unit: place for place, unit in enumerate(units)}
    margins: dict[int, float] = {}
    for place, (frame, unit) in enumerate(zip(frames, decoded, strict=True)):
        vowel = unit[-1]
        if vowel in VOWELS and f"ˈ{vowel}" in index:
            best_other = max(_score(logits[frame], index, form) for form in (vowel, f"ˌ{vowel}"))
            margins[place] = float(logits[frame, index[f"ˈ{vowel}"]]) - best_other
    for place in margins:
        frame, vowel = frames[place], decoded[place][-1]
        if place == max(margins, key=lambda at: margins[at]):
            decoded[place] = f"ˈ{vowel}"
        elif decoded[place][0] == "ˈ":
            plain, second = (_score(logits[frame], index, form) for form in (vowel, f"ˌ{vowel}"))
            decoded[place] = vowel if plain > second else f"ˌ{vowel}"
    return "".join(decoded)


def _score(row: npt.NDArray[np.float32], index: Mapping[str, int], unit: str) -> float:
    return float(row[index[unit]]) if unit in index else -math.inf


class RunnableGraph(Protocol):
    """What is needed of the bundle's `g2p` graph."""

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """Run the graph: "letters" int64 [1, L] → "logits" float32 [1, F · L, U]."""


Opener = Callable[[], tuple[RunnableGraph, Sequence[str]]]
"""Opens a graph and says what its units are."""


class NeuralG2P:
    """The bundle's letter-to-sound model.  Safe to share between threads; opened on first use.

    Args:
        source: the ONNX graph, whose metadata hold the units; or what opens another engine's.

    Raises:
        BundleError: (from :meth:`phones`) the graph can't be loaded or isn't a letter-to-sound one.
    """

    def __init__(self, source: Path | Opener) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._graph: tuple[RunnableGraph, Sequence[str]] | None = None

    def phones(self, word: str) -> str:
        """Phones of a word of letters a-z and apostrophes (others are skipped); "" for none."""
        letters = [letter for letter in word.lower() if letter in LETTERS]
        graph, units = self._open()
        phones = ""
        for start in range(0, len(letters), LONGEST_WORD):
            piece = encode_letters("".join(letters[start : start + LONGEST_WORD]))
            logits = np.asarray(graph.run({"letters": piece[None]}).get("logits"))
            if logits.ndim != 3 or len(logits) != 1 or logits.shape[2] != len(units):
                raise BundleError(
                    f"the letter-to-sound graph gave {list(logits.shape)} instead of"
                    f" [1, frames, {len(units)}]; install the voice again"
                )
            phones += decode_units(logits[0], units)
        return phones

    def _open(self) -> tuple[RunnableGraph, Sequence[str]]:
        with self._lock:
            if self._graph is None:
                source = self._source
                graph, units = _OnnxG2P.open(source) if isinstance(source, Path) else source()
                check_units(units)
                self._graph = graph, tuple(units)
            return self._graph


def check_units(units: object) -> None:
    """Accept strings of which the first is empty, the blank.

    Raises:
        BundleError: they are something else.
    """
    if (
        not isinstance(units, (list, tuple))
        or not units
        or units[0] != ""
        or not all(isinstance(unit, str) for unit in units)
    ):
        raise BundleError(
            "the units of the letter-to-sound graph aren't phones with the blank first;"
            " install the voice again"
        )


class _OnnxG2P:
    """The graph in an ONNX Runtime session of its own."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session

    @classmethod
    def open(cls, path: Path) -> tuple[_OnnxG2P, Sequence[str]]:
        import onnxruntime

        getattr(onnxruntime, "disable_telemetry_events", lambda: None)()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # The weights are int8; this lets them be widened once, when the graph is opened.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        try:
            session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
            units = json.loads(session.get_modelmeta().custom_metadata_map["units"])
        except Exception as error:  # onnxruntime has no common base of its errors
            raise BundleError(
                f"the letter-to-sound graph {path} can't be used: {error}; install the voice again"
            ) from error
        return cls(session), units

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        (logits,) = self._session.run(["logits"], dict(inputs))
        return {"logits": logits}
