"""Letters to phones by a small neural network, for words the lexicon lacks.

The graph reads `letters` int64 [1, L] (the word's letters as index in :data:`LETTERS` plus one,
with a 0 before and after) and returns `logits` float32 [1, F · L, U].  At each frame the likeliest
of U units is taken; repeats are merged and blanks dropped (greedy CTC, Graves et al. 2006).  The
units, the blank first as the empty string, travel in the graph's metadata under `units`, as JSON.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    """Greedy CTC.

    Args:
        logits: [T, len(units)]; unit 0 is the blank.

    Returns:
        Phones; of several primary stresses the first stays primary, the others become secondary.
    """
    best = np.argmax(logits, axis=-1)
    kept = best[np.concatenate(([True], best[1:] != best[:-1]))] if best.size else best
    phones = "".join(units[int(i)] for i in kept)
    first, mark, rest = phones.partition("ˈ")
    return first + mark + rest.replace("ˈ", "ˌ")


def one_stress(phones: str) -> str:
    """`phones` with a primary stress, if there is a vowel: the secondary raised, or the first."""
    if "ˈ" in phones:
        return phones
    if "ˌ" in phones:
        return phones.replace("ˌ", "ˈ", 1)
    at = next((i for i, phone in enumerate(phones) if phone in VOWELS), None)
    return phones if at is None else f"{phones[:at]}ˈ{phones[at:]}"


class NeuralG2P:
    """The bundle's letter-to-sound model.  Safe to share between threads; opened on first use.

    Args:
        path: the ONNX graph.

    Raises:
        BundleError: (from :meth:`phones`) the graph can't be loaded or isn't a letter-to-sound one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._session: onnxruntime.InferenceSession | None = None
        self._units: tuple[str, ...] = ()

    def phones(self, word: str) -> str:
        """Phones of a word of letters a-z and apostrophes (others are skipped); "" for none."""
        letters = [letter for letter in word.lower() if letter in LETTERS]
        session = self._open()
        out = ""
        for start in range(0, len(letters), LONGEST_WORD):
            piece = encode_letters("".join(letters[start : start + LONGEST_WORD]))
            (logits,) = session.run(["logits"], {"letters": piece[None]})
            out += one_stress(decode_units(np.asarray(logits)[0], self._units))
        return out

    def _open(self) -> Any:
        with self._lock:
            if self._session is None:
                import onnxruntime

                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = 1
                options.inter_op_num_threads = 1
                options.log_severity_level = 3
                # The weights are int8; this lets them be widened once, when the graph is opened.
                options.add_session_config_entry("session.disable_quant_qdq", "1")
                try:
                    session = onnxruntime.InferenceSession(
                        str(self._path), options, providers=["CPUExecutionProvider"]
                    )
                    units = json.loads(session.get_modelmeta().custom_metadata_map["units"])
                    if not all(isinstance(unit, str) for unit in units) or units[0] != "":
                        raise ValueError("the units aren't phones with the blank first")
                except Exception as error:  # onnxruntime has no common base of its errors
                    raise BundleError(
                        f"the letter-to-sound graph {self._path} can't be used: {error};"
                        " install the voice again"
                    ) from error
                self._units = tuple(units)
                self._session = session
            return self._session
