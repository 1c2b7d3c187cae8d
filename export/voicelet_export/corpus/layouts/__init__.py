"""Layouts of corpora: LJSpeech, VCTK, LibriTTS, Common Voice, speechocean762, folders, our own."""

from __future__ import annotations

from pathlib import Path

from voicelet.config import did_you_mean
from voicelet.errors import ConfigError
from voicelet_export.corpus.layouts.base import CorpusLayout, CorpusRecording
from voicelet_export.corpus.layouts.common_voice import COMMON_VOICE
from voicelet_export.corpus.layouts.folder import FOLDER
from voicelet_export.corpus.layouts.libritts import LIBRITTS
from voicelet_export.corpus.layouts.ljspeech import LJSPEECH
from voicelet_export.corpus.layouts.packed import PACKED
from voicelet_export.corpus.layouts.speechocean762 import SPEECHOCEAN762
from voicelet_export.corpus.layouts.vctk import VCTK
from voicelet_export.errors import CorpusError

__all__ = ["LAYOUTS", "CorpusLayout", "CorpusRecording", "find_layout", "read_sources"]

LAYOUTS = {
    layout.name: layout
    for layout in (PACKED, COMMON_VOICE, SPEECHOCEAN762, VCTK, LJSPEECH, LIBRITTS, FOLDER)
}
"""By name, in the order in which `auto` tries them: the loosest comes last."""


def find_layout(folder: Path, name: str = "auto") -> CorpusLayout:
    """The layout of a folder.

    Raises:
        ConfigError: there is no layout of that name.
        CorpusError: no layout fits the folder.
    """
    if name != "auto" and name not in LAYOUTS:
        hint = did_you_mean(name, LAYOUTS)
        raise ConfigError(f"no layout {name!r}{hint}; there are auto, {', '.join(LAYOUTS)}")
    if not folder.is_dir():
        raise CorpusError(f"there is no folder {folder}; check the path")
    candidates = LAYOUTS.values() if name == "auto" else [LAYOUTS[name]]
    for layout in candidates:
        if layout.fits(folder):
            return layout
    tried = "any known layout" if name == "auto" else f"the layout {name}"
    raise CorpusError(
        f"{folder} doesn't have {tried} ({', '.join(LAYOUTS)}); the simplest is a recording and a "
        ".txt of the same name"
    )


def read_sources(folder: Path, layout: str = "auto") -> list[CorpusRecording]:
    """The recordings of a corpus, in the order of their ids.

    Raises:
        ConfigError, CorpusError: as :func:`find_layout`, or a table or text can't be read.
    """
    return find_layout(folder, layout).read(folder)
