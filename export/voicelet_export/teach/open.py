"""Opening a teacher by its path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from voicelet.errors import BundleError, ConfigError
from voicelet_export.teach.base import Teacher
from voicelet_export.teach.kokoro import KokoroTeacher, is_kokoro_folder


def open_teacher(
    path: Path,
    vocoder: Path | None = None,
    mixes: Mapping[str, Mapping[str, float]] | None = None,
    speakers: Sequence[str] | None = None,
) -> Teacher:
    """A Piper voice (`.onnx`), a folder of Kokoro's voices, or that of a VITS of this project.

    With `vocoder`, a folder of its own, `path` is that of a FastSpeech 2 or a Tacotron 2.

    Args:
        mixes, speakers: for Kokoro only, see :class:`voicelet_export.teach.kokoro.KokoroTeacher`.

    Raises:
        BundleError: nothing of a kind that can teach lies there.
        ConfigError: mixes or speakers are given to a teacher that can't choose.
    """
    if vocoder is None and is_kokoro_folder(path):
        return KokoroTeacher(path, mixes, speakers)
    if mixes or speakers:
        raise ConfigError(f"{path}: mixes and speakers are chosen of Kokoro only; leave them out")
    if vocoder is not None:
        from voicelet_export.teach.mel_teacher import MelTeacher

        return MelTeacher(path, vocoder)
    if path.suffix == ".onnx" and path.is_file():
        from voicelet_export.teach.piper import PiperTeacher

        return PiperTeacher(path)
    if (path / "config.json").is_file():
        from voicelet_export.teach.vits import VitsTeacher

        return VitsTeacher(path)
    raise BundleError(f"{path}: no teacher; give a Piper .onnx with its .json, or a folder")


def looks_like_teacher(path: Path) -> bool:
    """Whether `open_teacher(path)` has something to open, told by names only."""
    piper = path.suffix == ".onnx" and path.is_file() and Path(f"{path}.json").is_file()
    return piper or is_kokoro_folder(path) or (path / "config.json").is_file()
