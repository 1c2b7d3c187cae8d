"""Letters to phones by a small neural network, for words the lexicon lacks.

The graph reads `letters` int64 [1, L] (the word's letters as index in its alphabet plus one, with a
0 before and after) and returns `logits` float32 [1, F · L, U].  At each frame the likeliest of U
units is taken; repeats are merged and blanks dropped (greedy CTC, Graves et al. 2006).

What a graph reads and says (:class:`G2PLabels`) travels in its metadata: `units` as a JSON list,
the blank first as the empty string; `letters`, its alphabet, where that isn't :data:`LETTERS`;
`stress`, where that isn't "scored".
"""

from __future__ import annotations

import json
import math
import threading
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from voicelet.errors import BundleError
from voicelet.text.phones import MULTILINGUAL_VOWELS, STRESS

if TYPE_CHECKING:
    import onnxruntime

LETTERS = "abcdefghijklmnopqrstuvwxyz'"
"""Letters the network reads where its graph names no others; index 0 is the edge of the word."""

_RUN_LIMIT_S = 20.0
"""A word takes milliseconds; a pack of a stranger may hold a graph that never ends."""
_MOST_FRAMES = 64  # of the output, a letter
LONGEST_WORD = 40
"""Letters read at once; longer words go in pieces."""

SCORED = "scored"
"""The network says which vowel has the stress (see :func:`decode_units`)."""

FINAL = "final"
"""The last vowel has the stress, as in French; a final ə only where there is no other vowel."""

STRESSES = (SCORED, FINAL)


@dataclass(frozen=True)
class G2PLabels:
    """What a letter-to-sound graph reads and says.

    Attributes:
        units: the classes of its output: the blank first, as "", then phones, a vowel's stress mark
            before it and its tilde or length mark after it.
        letters: its alphabet, in lower case, each letter once.
        stress: one of `STRESSES`.

    Raises:
        BundleError: they aren't that.
    """

    units: tuple[str, ...]
    letters: str = LETTERS
    stress: str = SCORED

    def __post_init__(self) -> None:
        check_units(self.units)
        if (
            not isinstance(self.letters, str)
            or not self.letters
            or len(set(self.letters)) != len(self.letters)
            or self.stress not in STRESSES
        ):
            raise BundleError(
                "the letter-to-sound graph names no alphabet or no stress that this voicelet knows;"
                " update voicelet or install the voice again"
            )

    @classmethod
    def of_metadata(cls, metadata: Mapping[str, str]) -> G2PLabels:
        """Read them from a graph's metadata.

        Raises:
            KeyError, ValueError, RecursionError: there are no units, or they aren't JSON.
            BundleError: they are something else than labels.
        """
        units = json.loads(metadata["units"])
        check_units(units)
        return cls(tuple(units), metadata.get("letters", LETTERS), metadata.get("stress", SCORED))

    def metadata(self) -> dict[str, str]:
        """Inverse of :meth:`of_metadata`; what is usual is left out, so that older readers can."""
        out = {"units": json.dumps(self.units, ensure_ascii=False)}
        if self.letters != LETTERS:
            out["letters"] = self.letters
        if self.stress != SCORED:
            out["stress"] = self.stress
        return out


def encode_letters(word: str, letters: str = LETTERS) -> npt.NDArray[np.int64]:
    """Indices of a word's letters between two edges; other characters are left out.

    Returns:
        int64 [number of letters + 2].
    """
    index = [letters.find(letter) + 1 for letter in word]
    return np.array([0, *(i for i in index if i), 0], dtype=np.int64)


def decode_units(
    logits: npt.NDArray[np.float32], units: Sequence[str], stress: str = SCORED
) -> str:
    """Greedy CTC, with one primary stress a word.

    Args:
        logits: [T, len(units)]; unit 0 is the blank.
        stress: one of `STRESSES`.

    Returns:
        Phones.  "scored": the primary stress is on the vowel where its score is highest relative to
        the vowel's other forms; other vowels keep at most a secondary one.  "final": it is on the
        last vowel that isn't ə.
    """
    best = np.argmax(logits, axis=-1)
    changes = np.concatenate(([True], best[1:] != best[:-1])) if best.size else best
    frames = [int(frame) for frame in np.flatnonzero(changes) if best[frame]]
    decoded = [units[int(best[frame])] for frame in frames]
    if stress == FINAL:
        return "".join(_stressed_at_the_end(decoded))
    index = {unit: place for place, unit in enumerate(units)}
    margins: dict[int, float] = {}
    for place, (frame, unit) in enumerate(zip(frames, decoded, strict=True)):
        vowel = unit.lstrip(STRESS)
        if _is_vowel(vowel) and f"ˈ{vowel}" in index:
            best_other = max(_score(logits[frame], index, form) for form in (vowel, f"ˌ{vowel}"))
            margins[place] = float(logits[frame, index[f"ˈ{vowel}"]]) - best_other
    for place in margins:
        frame, vowel = frames[place], decoded[place].lstrip(STRESS)
        if place == max(margins, key=lambda at: margins[at]):
            decoded[place] = f"ˈ{vowel}"
        elif decoded[place][0] == "ˈ":
            plain, second = (_score(logits[frame], index, form) for form in (vowel, f"ˌ{vowel}"))
            decoded[place] = vowel if plain > second else f"ˌ{vowel}"
    return "".join(decoded)


def _is_vowel(unit: str) -> bool:
    return unit[:1] in tuple(MULTILINGUAL_VOWELS)


def _stressed_at_the_end(units: Sequence[str]) -> list[str]:
    plain = [unit.lstrip(STRESS) for unit in units]
    vowels = [place for place, unit in enumerate(plain) if _is_vowel(unit)]
    full = [place for place in vowels if plain[place] != "ə"]
    for place in (full or vowels)[-1:]:
        plain[place] = f"ˈ{plain[place]}"
    return plain


def _score(row: npt.NDArray[np.float32], index: Mapping[str, int], unit: str) -> float:
    return float(row[index[unit]]) if unit in index else -math.inf


class RunnableGraph(Protocol):
    """What is needed of the bundle's `g2p` graph."""

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """Run the graph: "letters" int64 [1, L] → "logits" float32 [1, F · L, U]."""


Opener = Callable[[], tuple[RunnableGraph, G2PLabels]]
"""Opens a graph and says what its labels are."""


class NeuralG2P:
    """A letter-to-sound model.  Safe to share between threads; opened on first use.

    Args:
        source: the ONNX graph, whose metadata hold the labels; or what opens another engine's.

    Raises:
        BundleError: (from :meth:`phones`) the graph can't be loaded or isn't a letter-to-sound one.
    """

    def __init__(self, source: Path | Opener) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._graph: tuple[RunnableGraph, G2PLabels] | None = None

    def phones(self, word: str) -> str:
        """Phones of a word in the graph's letters; "" for none.

        An accent that the graph doesn't know is dropped, other characters are skipped.
        """
        graph, labels = self._open()
        letters = known_letters(word, labels.letters)
        phones = ""
        for start in range(0, len(letters), LONGEST_WORD):
            piece = encode_letters(letters[start : start + LONGEST_WORD], labels.letters)
            logits = np.asarray(graph.run({"letters": piece[None]}).get("logits"))
            is_known = (
                logits.ndim == 3 and len(logits) == 1 and logits.shape[2] == len(labels.units)
            )
            if not is_known or logits.shape[1] > _MOST_FRAMES * len(piece):
                raise BundleError(
                    f"the letter-to-sound graph gave {list(logits.shape)} instead of"
                    f" [1, frames, {len(labels.units)}]; install the voice again"
                )
            phones += decode_units(logits[0], labels.units, labels.stress)
        return phones

    def _open(self) -> tuple[RunnableGraph, G2PLabels]:
        with self._lock:
            if self._graph is None:
                source = self._source
                self._graph = _OnnxG2P.open(source) if isinstance(source, Path) else source()
            return self._graph


def known_letters(word: str, letters: str) -> str:
    """`word` in lower case with nothing but `letters`; a letter's accent goes before the letter."""
    out = ""
    for letter in unicodedata.normalize("NFC", word.lower()):
        if letter in letters:
            out += letter
        else:
            out += "".join(x for x in unicodedata.normalize("NFD", letter) if x in letters)
    return out


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
    def open(cls, path: Path) -> tuple[_OnnxG2P, G2PLabels]:
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
            labels = G2PLabels.of_metadata(session.get_modelmeta().custom_metadata_map)
        except BundleError:
            raise
        except Exception as error:  # onnxruntime has no common base of its errors
            raise BundleError(
                f"the letter-to-sound graph {path} can't be used: {error}; install the voice again"
            ) from error
        return cls(session), labels

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        import onnxruntime

        options = onnxruntime.RunOptions()
        options.log_severity_level = 4  # an error is raised, and once is enough
        stop = threading.Timer(_RUN_LIMIT_S, lambda: setattr(options, "terminate", True))
        stop.daemon = True
        stop.start()
        try:
            (logits,) = self._session.run(["logits"], dict(inputs), options)
        except Exception as error:  # see above
            raise BundleError(f"the letter-to-sound graph gave no phones: {error}") from error
        finally:
            stop.cancel()
        return {"logits": logits}
