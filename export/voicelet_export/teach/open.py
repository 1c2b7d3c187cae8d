"""Opening a teacher by its path."""

from __future__ import annotations

from pathlib import Path

from voicelet.errors import BundleError
from voicelet_export.teach.base import Teacher


def open_teacher(path: Path, vocoder: Path | None = None) -> Teacher:
    """A Piper voice (`.onnx`), or the folder of a VITS (imported or trained here).

    With `vocoder`, a folder of its own, `path` is that of a FastSpeech 2 or a Tacotron 2.

    Raises:
        BundleError: nothing of a kind that can teach lies there.
    """
    if vocoder is not None:
        from voicelet_export.teach.mel_teacher import MelTeacher

        return MelTeacher(path, vocoder)
    if path.suffix == ".onnx" and path.is_file():
        from voicelet_export.teach.piper import PiperTeacher

        return PiperTeacher(path)
    if (path / "config.json").is_file():
        from voicelet_export.teach.vits import VitsTeacher

        return VitsTeacher(path)
    raise BundleError(f"{path}: no teacher; give a Piper .onnx with its .json, or a model folder")
