"""Recordings and what was said in them, aligned on the device with what the runtime ships."""

from __future__ import annotations

from pathlib import Path

from voicelet.bundle import Bundle
from voicelet.errors import BundleError
from voicelet_export.corpus.cache import FeatureCache
from voicelet_export.corpus.pack import OnItem
from voicelet_export.corpus.prepare import Tools, prepare_data
from voicelet_export.train.data import Item


def aligned_items(
    folder: Path, work: Path, bundle: Bundle, on_item: OnItem | None = None
) -> list[Item]:
    """The utterances of a folder that fit their texts.

    Args:
        folder: recordings, each with its words in a `.txt` beside it, or a corpus of another
            layout (docs/data.md).
        work: where the features go; sensitive, and the caller's to remove.
        bundle: its lexicon and letter-to-sound model turn texts into phones.

    Raises:
        ConfigError, CorpusError: there is nothing there, or nothing fits its text.
        BundleError: the bundle lacks a speaker encoder.
    """
    if "speaker_encoder" not in bundle.manifest.graphs:
        raise BundleError("the voice has no speaker encoder; adapt on the default voice")
    g2p = bundle.graph_path("g2p")[0] if "g2p" in bundle.manifest.graphs else None
    tools = Tools(
        encoder=bundle.graph_path("speaker_encoder")[0],
        aligner=None,
        lexicon=bundle.data_path("lexicon"),
        g2p=g2p,
        packaged_aligner=True,
    )
    cache = FeatureCache(prepare_data(folder, work, tools, on_item=on_item))
    return [Item(cache, e) for e in cache.entries if e.n_phones]
