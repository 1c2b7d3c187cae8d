"""The teacher: Kokoro-82M v1.0, int8, by ONNX Runtime (Apache-2.0).

Its text goes through espeak-ng's American English (Piper's copy, in Piper's process) and the
mapping below, as the distillation corpus did.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from benchmarks.common import BenchmarkError
from benchmarks.peers.piper import Piper
from voicelet.audio.features import FloatArray
from voicelet.errors import BundleError
from voicelet_export.metrics.base import bench_home, need
from voicelet_export.metrics.cache import digest
from voicelet_export.teach.kokoro import RATE_HZ, read_styles, read_vocabulary, read_weights

# espeak-ng → Kokoro's convention, longest first: one letter a diphthong, one an affricate.
_MAP = (
    ("\u0361", ""),
    ("dʒ", "ʤ"),
    ("tʃ", "ʧ"),
    ("eɪ", "A"),
    ("aɪ", "I"),
    ("aʊ", "W"),
    ("oʊ", "O"),
    ("ɔɪ", "Y"),
    ("ɜːɹ", "ɜɹ"),
    ("ɜː", "ɜɹ"),
    ("ɚ", "əɹ"),
    ("l\u0329", "ᵊl"),
    ("n\u0329", "ᵊn"),
    ("oː", "ɔ"),
    ("ɐ", "ə"),
    ("ɾ", "T"),
    ("ː", ""),
    ("ʲ", ""),
    ("x", "k"),
    ("r", "ɹ"),
    ("\u0303", ""),
)


def teacher_phones(espeak: str) -> str:
    """Map espeak-ng's American IPA to the phones Kokoro was trained on."""
    for old, new in _MAP:
        espeak = espeak.replace(old, new)
    return espeak.replace("  ", " ").strip()


T = TypeVar("T")


def _read(read: Callable[[], T]) -> T:
    try:
        return read()
    except BundleError as error:
        raise BenchmarkError(f"{error}; run benchmarks/setup.sh") from None


class Kokoro:
    """The teacher in one of its own voices."""

    clones = False

    def __init__(self, voice: str) -> None:
        self.voice = voice
        self.name = f"teacher-{voice.replace('_', '-')}"
        self._front_end = Piper()

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights, the voice and the mapping."""
        return digest(self._weights, self._style.tobytes(), repr(_MAP))

    @cached_property
    def _weights(self) -> bytes:
        return _read(read_weights)

    @cached_property
    def _style(self) -> FloatArray:
        path = bench_home() / "kokoro" / "package" / "voices" / f"{self.voice}.bin"
        return _read(lambda: read_styles(path))

    @cached_property
    def _vocabulary(self) -> dict[str, int]:
        return _read(read_vocabulary)

    @cached_property
    def _session(self) -> Any:
        ort = need("onnxruntime")
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return ort.InferenceSession(self._weights, options, providers=["CPUExecutionProvider"])

    def synthesize(self, text: str, reference: Path | None = None) -> tuple[FloatArray, int]:
        """Speak in the teacher's voice."""
        phones = teacher_phones(self._front_end.phones([text])[0])
        inner = [self._vocabulary[p] for p in phones if p in self._vocabulary][:508]
        tokens = np.array([[0, *inner, 0]], dtype=np.int64)
        style = self._style[None, len(inner)]
        names = [i.name for i in self._session.get_inputs()]
        given = {"speed": np.ones(1, np.float32), "style": style}
        feed = {n: given.get(n, tokens) for n in names}
        out = np.asarray(self._session.run(None, feed)[0], dtype=np.float32)
        return np.clip(out.reshape(-1), -1.0, 1.0), RATE_HZ

    def close(self) -> None:
        """End the front end's process."""
        self._front_end.close()
