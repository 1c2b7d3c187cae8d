"""Caches of real recordings: features first, phones and durations once an aligner is trained."""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray, frame_energy_db
from voicelet.errors import PhoneError
from voicelet.text.phones import PhoneInventory
from voicelet.text.words import PhoneClause, WordPhones
from voicelet_export.corpus.align import (
    PAUSES,
    AlignConfig,
    Alignment,
    FitScore,
    ForcedAligner,
    IntArray,
    fit_score,
)
from voicelet_export.corpus.cache import CacheEntry, CacheWriter, DVectorExtractor, FeatureCache
from voicelet_export.corpus.reader import iterate_corpus, read_rows
from voicelet_export.corpus.transcripts import Transcript, TranscriptReader, with_commas
from voicelet_export.models.aligner import FramePosteriors

log = logging.getLogger(__name__)

SPEECH_BANDS = 70
"""Mel bands below 7.6 kHz: what a recording at 16 kHz holds."""


@dataclass(frozen=True)
class RealAlignConfig:
    """How recordings are aligned, and which are kept.

    Attributes:
        align: of the search.
        pause_frames: a silence this long between two words is written as a comma.
        lead_frames: most frames kept before the first phone.
        trail_frames: most frames kept after the last phone, the closing pad included.
        pad_frames: the closing pad, as the teacher corpus has it.
        longest_pause_frames: a longer silence inside an utterance drops it.
        least_mean, least_word: bounds of the fit (`FitScore`), in nats.
        most_implausible: largest share of phones of an implausible length.
    """

    align: AlignConfig = field(default_factory=AlignConfig)
    pause_frames: int = 12
    lead_frames: int = 32
    trail_frames: int = 24
    pad_frames: int = 2
    longest_pause_frames: int = 120
    least_mean: float = -2.6
    least_word: float = -4.5
    most_implausible: float = 0.25


@dataclass(frozen=True)
class Aligned:
    """One aligned utterance.

    Attributes:
        phones: string of the inventory, with the commas that the pauses asked for.
        durations_frames: int64 [phones + 2].
        first_frame, n_frames: the part of the recording that is kept.
        score: of the fit.
        commas: how many commas were put in.
        words: where each word lies in `phones`.
    """

    phones: str
    durations_frames: IntArray
    first_frame: int
    n_frames: int
    score: FitScore
    commas: int
    words: tuple[WordPhones, ...] = ()


def build_real_cache(
    corpus: Path, folder: Path, encoder: Path, bandwidth_hz: float | None = None
) -> int:
    """Cache a corpus of recordings without alignments; returns the utterance count.

    The vocoder can train on it at once; :func:`align_cache` adds phones and durations later.

    Args:
        corpus: folder with `metadata.jsonl` and shards.
        folder: of the new cache.
        encoder: graph of the speaker encoder.
        bandwidth_hz: what the recordings hold, where that is less than half their rate.
    """
    extract = DVectorExtractor(encoder)
    writer = CacheWriter(folder)
    for utterance in iterate_corpus(corpus):
        vector = extract(utterance.samples, utterance.sample_rate_hz)
        writer.add(utterance, vector, bandwidth_hz=bandwidth_hz)
        if len(writer.entries) % 200 == 0:
            log.info("%d utterances measured", len(writer.entries))
    writer.close()
    return len(writer.entries)


def silent_frames(log_mel: FloatArray) -> npt.NDArray[np.bool_]:
    """Frames nearer to the recording's floor than to its speech, bool [frames]."""
    energy = frame_energy_db(log_mel[:, :SPEECH_BANDS])
    low, high = np.percentile(energy, [5, 95])
    threshold = float(np.clip(low + 0.3 * (high - low), high - 45.0, high - 18.0))
    found: npt.NDArray[np.bool_] = energy < threshold
    return found


def longest_run(flags: npt.NDArray[np.bool_]) -> int:
    """Length of the longest run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def pauses_after(
    clause: PhoneClause, alignment: Alignment, silent: npt.NDArray[np.bool_], pause_frames: int
) -> list[int]:
    """Numbers of the words after which the speaker pauses though no mark stands there.

    The silence may have been given to the word's last phone or to the space: both are searched,
    up to the start of the next word's second token.
    """
    starts = alignment.starts
    found = []
    for number, (word, following) in enumerate(zip(clause.words, clause.words[1:])):
        between = clause.phones[word.end : following.start]
        if between.strip() or word.end <= word.start:
            continue  # a mark explains the pause
        first = starts[word.end]  # the word's last phone: + 1 for the pad, - 1 for the last
        last = starts[following.start + 1] + alignment.durations_frames[following.start + 1]
        if longest_run(silent[first:last]) >= pause_frames:
            found.append(number)
    return found


def trimmed(
    alignment: Alignment, phones: str, config: RealAlignConfig
) -> tuple[int, int, IntArray]:
    """Cut long silence off both ends and give the closing pad its usual length.

    Returns:
        (first frame, frames, durations) of what is kept; silence beyond the pad goes to the last
        mark.
    """
    durations = alignment.durations_frames.copy()
    cut = max(0, int(durations[0]) - config.lead_frames)
    durations[0] -= cut
    if phones[-1:] and phones[-1] in PAUSES:
        both = min(int(durations[-2:].sum()), config.trail_frames)
        durations[-1] = min(config.pad_frames, both - 1)
        durations[-2] = both - durations[-1]
    else:
        durations[-1] = min(int(durations[-1]), config.trail_frames)
    return cut, int(durations.sum()), durations


class RecordingAligner:
    """From a transcript and a log mel to phones and durations."""

    def __init__(
        self,
        reader: TranscriptReader,
        posteriors: FramePosteriors,
        config: RealAlignConfig = RealAlignConfig(),
        inventory: PhoneInventory = PhoneInventory(),
    ) -> None:
        self.reader, self.posteriors = reader, posteriors
        self.config, self.inventory = config, inventory
        self._aligner = ForcedAligner(posteriors.log_prior, inventory, config.align)

    def align(self, transcript: Transcript, log_mel: FloatArray) -> Aligned:
        """Align one recording; twice where it pauses between words.

        Args:
            log_mel: natural log mel [frames, n_mels].

        Raises:
            ValueError: the recording has fewer frames than tokens.
            PhoneError: a word has no phones.
        """
        config = self.config
        log_posterior = self.posteriors(log_mel)
        clause = self.reader.phones(transcript.tokens)
        found = self._aligner.align(log_posterior, self.inventory.encode(clause.phones))
        pauses = pauses_after(clause, found, silent_frames(log_mel), config.pause_frames)
        if pauses:
            clause = self.reader.phones(with_commas(transcript.tokens, pauses))
            found = self._aligner.align(log_posterior, self.inventory.encode(clause.phones))
        score = fit_score(found, clause.phones)
        first, count, durations = trimmed(found, clause.phones, config)
        return Aligned(clause.phones, durations, first, count, score, len(pauses), clause.words)

    def verdict(self, aligned: Aligned) -> str:
        """Why an alignment isn't to be trained on, or "" where it is."""
        config, score = self.config, aligned.score
        if score.mean_log_posterior < config.least_mean:
            return "poor fit"
        if score.worst_word < config.least_word:
            return "a word that doesn't fit"
        if score.implausible > config.most_implausible:
            return "implausible durations"
        if int(aligned.durations_frames[1:-2].max(initial=0)) > config.longest_pause_frames:
            return "long pause"
        return ""


def align_cache(folder: Path, corpus: Path, aligner: RecordingAligner) -> dict[str, Any]:
    """Give the utterances of a cache phones and durations, from the transcripts of its corpus.

    Utterances that can't be aligned well stay in the cache without phones.  The index as it was
    measured is kept in `recorded.json`, and every run starts from that: it may be repeated with a
    better aligner or lexicon.

    Returns:
        A report: counts, reasons, medians of the scores and a row an utterance; it is also written
        to `alignment.json` in the cache.
    """
    cache = FeatureCache(folder)
    recorded = _recorded(folder)
    texts = {row["id"]: str(row["text"]) for row in read_rows(corpus)}
    entries: list[CacheEntry] = []
    phones: list[IntArray] = []
    durations: list[IntArray] = []
    rows: list[dict[str, Any]] = []
    place = 0
    for entry in recorded:
        bare = replace(entry, first_phone=place, n_phones=0)
        reason, aligned = _align_entry(cache, entry, texts.get(entry.id, ""), aligner)
        row: dict[str, Any] = {"id": entry.id, "dropped": reason}
        if aligned is not None:
            row |= {"phones": aligned.phones, "commas": aligned.commas, **asdict(aligned.score)}
            if not reason:
                tokens = aligner.inventory.encode(aligned.phones)
                bare = replace(
                    bare,
                    first_frame=entry.first_frame + aligned.first_frame,
                    n_frames=aligned.n_frames,
                    n_phones=len(tokens),
                )
                phones.append(tokens)
                durations.append(aligned.durations_frames)
                place += len(tokens)
        entries.append(bare)
        rows.append(row)
        if len(rows) % 200 == 0:
            log.info("%d of %d utterances aligned", len(rows), len(recorded))
    _write(folder, "phones.u8", np.concatenate([*phones, []]).astype(np.uint8).tobytes())
    _write(folder, "durations.u16", np.concatenate([*durations, []]).astype(np.uint16).tobytes())
    index = {"features": asdict(cache.features), "entries": [asdict(e) for e in entries]}
    _write(folder, "index.json", json.dumps(index).encode())
    report = _report(entries, rows, cache.features.frames_per_second)
    _write(folder, "alignment.json", json.dumps(report, ensure_ascii=False, indent=1).encode())
    return report


def _recorded(folder: Path) -> list[CacheEntry]:
    """The entries as they were before any silence was cut off."""
    kept = folder / "recorded.json"
    if not kept.exists():
        _write(folder, kept.name, (folder / "index.json").read_bytes())
    return [CacheEntry(**e) for e in json.loads(kept.read_text(encoding="utf-8"))["entries"]]


def _align_entry(
    cache: FeatureCache, entry: CacheEntry, text: str, aligner: RecordingAligner
) -> tuple[str, Aligned | None]:
    """(reason to drop it or "", alignment if there is one)."""
    transcript = aligner.reader.read(text)
    if transcript.unknown:
        return "unknown word", None
    try:
        aligned = aligner.align(transcript, cache.mel(entry))
    except PhoneError:
        return "no phones", None
    except ValueError:
        return "too short for its text", None
    return aligner.verdict(aligned), aligned


def _report(
    entries: list[CacheEntry], rows: list[dict[str, Any]], frames_per_second: float
) -> dict[str, Any]:
    kept = [e for e in entries if e.n_phones]
    good = [r for r in rows if not r["dropped"]]
    middle = {
        name: float(np.median([r[name] for r in good])) if good else 0.0
        for name in ("mean_log_posterior", "worst_word", "implausible")
    }
    return {
        "aligned": len(kept),
        "speakers": len({e.speaker for e in kept}),
        "hours": sum(e.n_frames for e in kept) / frames_per_second / 3600.0,
        "dropped": dict(Counter(r["dropped"] for r in rows if r["dropped"])),
        "commas_added": sum(r["commas"] for r in good),
        "median": middle,
        "utterances": rows,
    }


def _write(folder: Path, name: str, data: bytes) -> None:
    part = folder / f"{name}.part"
    part.write_bytes(data)
    os.replace(part, folder / name)
