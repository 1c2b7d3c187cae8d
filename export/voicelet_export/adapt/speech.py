"""Recordings and what was said in them, aligned on the device with what the runtime ships."""

from __future__ import annotations

import logging
from pathlib import Path

from voicelet.bundle import Bundle
from voicelet.errors import BundleError, ConfigError
from voicelet_export.corpus.cache import FeatureCache
from voicelet_export.corpus.denoise import Denoiser, denoise_cache
from voicelet_export.corpus.pack import OnItem, PackConfig
from voicelet_export.corpus.prepare import Tools, prepare_data
from voicelet_export.train.data import Item

log = logging.getLogger(__name__)

LEAST_CLEAN = 0.5
"""Share of the utterances that must keep their voice without their noise, or all keep the noise."""


def aligned_items(
    folder: Path, work: Path, bundle: Bundle, on_item: OnItem | None = None
) -> list[Item]:
    """The utterances of a folder that fit their texts, without their noise.

    What is learnt of a person isn't to hold the room and the microphone as well.  Offset, hum and
    rumble are taken out as at enrolment.  Where the
    denoiser isn't installed, or takes the voice along with the noise, recordings stay as they are.

    Args:
        folder: recordings, each with its words in a `.txt` beside it, or a corpus of another
            layout (docs/guides/data.md).
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
    heard = prepare_data(folder, work, tools, PackConfig(clean=True), on_item)
    cache = FeatureCache(_without_noise(heard, work, tools.encoder))
    return [Item(cache, e) for e in cache.entries if e.n_phones]


def _without_noise(heard: Path, work: Path, encoder: Path) -> Path:
    """The cache to learn from: denoised, if that can be done."""
    if not any(e.n_phones for e in FeatureCache(heard).entries):
        return heard
    try:
        Denoiser()
    except ConfigError as error:
        log.debug("%s", error)
        log.warning(
            "without a denoiser the noise of the recordings is learnt too; to install one: "
            'pip install "voicelet-export[adapt]"'
        )
        return heard
    clean = work / f"{heard.name}-clean"
    done = denoise_cache(heard, clean, encoder)
    if done.kept < LEAST_CLEAN * (done.kept + done.changed):
        log.warning("denoising changes the voice; the noise of the recordings is learnt too")
        return heard
    return clean
