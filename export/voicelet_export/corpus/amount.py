"""How much speech lies in a folder, or would come of a text, without decoding any of it."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import soundfile

from voicelet_export.corpus.cache import FeatureCache
from voicelet_export.corpus.layouts import CorpusRecording, find_layout, read_sources
from voicelet_export.corpus.pack import choose_sources
from voicelet_export.corpus.reader import read_rows
from voicelet_export.errors import CorpusError

SYMBOLS_PER_SECOND = 14.0
"""Letters, and phones as well, of English read aloud; measured on 3203 utterances of a teacher."""
_PROBED = 200  # recordings whose length is looked up; the others are taken to be as long


def speech_minutes(folder: Path, layout: str = "auto", most_per_speaker: int = 0) -> float:
    """Minutes of speech in a feature cache or in a corpus of any layout.

    Corpora whose rows don't tell their lengths are probed: the headers of 200 recordings, evenly
    spaced, are read.

    Args:
        folder: of the cache or the corpus.
        layout: as :func:`voicelet_export.corpus.layouts.find_layout` takes it.
        most_per_speaker: recordings that packing takes of a speaker; 0 is all.

    Raises:
        ConfigError: there is no layout of that name.
        CorpusError: it is neither a cache nor a corpus of that layout, or it can't be read.
    """
    if (folder / "index.json").is_file():
        try:
            cache = FeatureCache(folder)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CorpusError(f"{folder} is no whole feature cache ({error})") from error
        frames = sum(entry.n_frames for entry in cache.entries)
        return frames / cache.features.frames_per_second / 60.0
    if find_layout(folder, layout).name == "packed":
        try:
            rows = read_rows(folder)
        except (OSError, ValueError) as error:
            raise CorpusError(f"{folder} is no packed corpus ({error})") from error
        if all("seconds" in row for row in rows):
            return sum(float(row["seconds"]) for row in rows) / 60.0
    return _probed_minutes(choose_sources(read_sources(folder, layout), most_per_speaker))


def _probed_minutes(sources: Sequence[CorpusRecording]) -> float:
    probed = sources[:: max(1, len(sources) // _PROBED)]
    lengths = []
    for source in probed:
        try:
            data = source.data()
            given = io.BytesIO(data) if isinstance(data, bytes) else data
            lengths.append(float(soundfile.info(given).duration))
        except (OSError, soundfile.SoundFileError):
            continue  # packing leaves it out, too
    return sum(lengths) / max(1, len(probed)) * len(sources) / 60.0


def text_minutes(texts: Path) -> float:
    """About how many minutes of speech a text file, or the texts of a corpus, will give.

    Raises:
        CorpusError: they can't be read.
    """
    try:
        if (texts / "metadata.jsonl").is_file():
            said = {str(row.get("phonemes") or row["text"]) for row in read_rows(texts)}
        elif texts.is_dir():
            said = {source.text for source in read_sources(texts)}
        else:
            said = set(texts.read_text(encoding="utf-8").splitlines())
    except (OSError, ValueError, KeyError, json.JSONDecodeError) as error:
        raise CorpusError(
            f"{texts}: neither a corpus nor a text file with a sentence a line ({error!r})"
        ) from None
    return sum(map(len, said)) / SYMBOLS_PER_SECOND / 60.0
