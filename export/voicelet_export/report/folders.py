"""Folders of speech as metrics read them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from voicelet_export.report.systems import Speech


def write_speech(
    folder: Path, texts: Sequence[str], spoken: Sequence[Speech], reference: Path | None = None
) -> Path:
    """Write `000.wav`, `001.wav`, … and `texts.tsv`.

    Args:
        reference: another such folder beside this one; its clips have the voice these should have.

    Returns:
        `folder`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for index, (text, speech) in enumerate(zip(texts, spoken)):
        name = f"{index:03d}.wav"
        samples = np.clip(speech.samples, -1.0, 1.0)
        soundfile.write(folder / name, samples, speech.sample_rate_hz, subtype="PCM_16")
        cells = [name, " ".join(text.split())]
        if reference is not None:
            cells.append(f"../{reference.name}/{name}")
        lines.append("\t".join(cells) + "\n")
    (folder / "texts.tsv").write_text("".join(lines), encoding="utf-8")
    return folder
