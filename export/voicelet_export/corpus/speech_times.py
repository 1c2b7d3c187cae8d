"""When each word and phone of a recording is heard: TextGrids of a corpus, by forced alignment."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FeatureConfig, log_mel
from voicelet.audio.io import read_audio
from voicelet.audio.level import normalize_level
from voicelet.errors import AudioError, PhoneError
from voicelet.files import atomic_file
from voicelet.text.phones import PUNCTUATION, STRESS
from voicelet_export.corpus.align_cache import Aligned, RecordingAligner, silent_frames
from voicelet_export.corpus.layouts import CorpusRecording
from voicelet_export.corpus.pack import OnItem
from voicelet_export.corpus.textgrid import Interval, TextGrid, Tier, filled, write_textgrid
from voicelet_export.errors import CorpusError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TimesConfig:
    """How an alignment is shown to people.

    Attributes:
        delay_frames: by how much labels lie behind what is heard (56 ms); taken off.  The aligner
            follows its teacher's convention (`export/TRAINING.md`), as the runtime's voice does.
        least_pause_s: a shorter stretch of a space or mark between two words belongs to the phone
            before it.
        max_seconds: longer recordings are left out.
    """

    delay_frames: float = 4.5
    least_pause_s: float = 0.08
    max_seconds: float = 60.0


@dataclass(frozen=True)
class _Unit:
    """A phone with its stress mark, or a pause (label ""); places in the phone string."""

    label: str
    start: int
    end: int


def _units(phones: str) -> list[_Unit]:
    """Stress marks join the vowel that follows, spaces and marks join into pauses."""
    units: list[_Unit] = []
    stress = ""
    for place, phone in enumerate(phones):
        if phone in PUNCTUATION:
            if units and not units[-1].label:
                units[-1] = _Unit("", units[-1].start, place + 1)
            else:
                units.append(_Unit("", place, place + 1))
        elif phone in STRESS:
            stress += phone
        else:
            units.append(_Unit(stress + phone, place - len(stress), place + 1))
            stress = ""
    return units


def text_grid(
    aligned: Aligned,
    silent: npt.NDArray[np.bool_],
    frames_per_second: float,
    config: TimesConfig = TimesConfig(),
) -> TextGrid:
    """The tiers "words" and "phones" of an aligned recording.

    Args:
        aligned: of the recording; `first_frame` says where its first token starts.
        silent: which frames of the whole recording hold no speech.  The aligner counts the
            beginning of a pause as the phone before it; here that phone ends with its sound.
    """
    end_s = len(silent) / frames_per_second
    edges = [float(aligned.first_frame)]
    for duration in aligned.durations_frames.tolist():
        edges.append(edges[-1] + duration)
    # Token i of the string lies between edges i + 1 and i + 2: the opening pad comes first.
    times = [max(0.0, (e - config.delay_frames) / frames_per_second) for e in edges[1:]]
    spans: dict[tuple[int, int], Interval] = {}
    for unit in _units(aligned.phones):
        start, end = times[unit.start], times[unit.end]
        if unit.label:
            spans[unit.start, unit.end] = Interval(start, end, unit.label)
        elif end - start < config.least_pause_s and spans and unit.end < len(aligned.phones):
            last = next(reversed(spans))
            spans[last] = Interval(spans[last].start_s, end, spans[last].label)
    spans = _trimmed(spans, silent, frames_per_second)
    words = []
    for word in aligned.words:
        inside = [i for (start, end), i in spans.items() if word.start <= start and end <= word.end]
        if inside:
            words.append(Interval(inside[0].start_s, inside[-1].end_s, word.text))
    phones = filled(list(spans.values()), end_s)
    return TextGrid(end_s, (Tier("words", filled(words, end_s)), Tier("phones", phones)))


def _trimmed(
    spans: dict[tuple[int, int], Interval],
    silent: npt.NDArray[np.bool_],
    frames_per_second: float,
) -> dict[tuple[int, int], Interval]:
    """Phones beside a pause begin and end with their sound; two frames are left at least."""
    out: dict[tuple[int, int], Interval] = {}
    listed = list(spans.items())
    for number, (place, span) in enumerate(listed):
        before = listed[number - 1][1].end_s if number else 0.0
        after = listed[number + 1][1].start_s if number + 1 < len(listed) else np.inf
        first = round(span.start_s * frames_per_second)
        last = max(first, min(len(silent), round(span.end_s * frames_per_second)))
        heard = first + np.flatnonzero(~silent[first:last])
        start_s, end_s = span.start_s, span.end_s
        if len(heard) and heard[0] > first and before < span.start_s:
            start_s = max(start_s, min(int(heard[0]), last - 2) / frames_per_second)
        if len(heard) and heard[-1] + 1 < last and after > span.end_s:
            end_s = min(end_s, max(int(heard[-1]) + 1, first + 2) / frames_per_second)
        out[place] = Interval(start_s, max(start_s, end_s), span.label)
    return out


def align_to_textgrids(
    sources: Sequence[CorpusRecording],
    out: Path,
    aligner: RecordingAligner,
    config: TimesConfig = TimesConfig(),
    on_item: OnItem | None = None,
) -> dict[str, Any]:
    """Write `out/<speaker>/<id>.TextGrid` for every recording that can be aligned.

    What is there already is not aligned again.

    Returns:
        A report, also in `out/alignment.json`: counts, and for every recording its fit and why it
        is not to be trusted ("" where it is), or why it has no TextGrid.

    Raises:
        CorpusError: not one could be aligned.
    """
    out.mkdir(parents=True, exist_ok=True)
    work = out / ".fits.jsonl"
    known = _known(work)
    rows: list[dict[str, Any]] = []
    with open(work, "a", encoding="utf-8") as fits:
        for number, source in enumerate(sources, 1):
            path = out / source.speaker / f"{source.id}.TextGrid"
            row = known.get(source.id)
            if row is None or (row["written"] and not path.is_file()):
                row = _one(source, path, aligner, config)
                fits.write(json.dumps(row, ensure_ascii=False) + "\n")
                fits.flush()
            rows.append(row)
            if on_item is not None:
                on_item(number, len(sources))
    written = [r for r in rows if r["written"]]
    if not written:
        first = rows[0] if rows else {"id": "", "problem": "no recordings"}
        raise CorpusError(f"nothing could be aligned; {first['id']}: {first['problem']}")
    report = {
        "written": len(written),
        "trusted": sum(not r["problem"] for r in written),
        "utterances": rows,
    }
    with atomic_file(out / "alignment.json") as file:
        file.write((json.dumps(report, ensure_ascii=False, indent=1) + "\n").encode("utf-8"))
    work.unlink()
    return report


def _known(work: Path) -> dict[str, dict[str, Any]]:
    """Rows of a run that was cut off; a line that was cut off too is dropped."""
    found: dict[str, dict[str, Any]] = {}
    if work.is_file():
        for line in work.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            found[str(row["id"])] = row
    return found


def _one(
    source: CorpusRecording, path: Path, aligner: RecordingAligner, config: TimesConfig
) -> dict[str, Any]:
    aligned, silent, problem = align_source(source, aligner, config.max_seconds)
    if aligned is None:
        return {"id": source.id, "written": False, "problem": problem}
    grid = text_grid(aligned, silent, FeatureConfig().frames_per_second, config)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as file:
        file.write(write_textgrid(grid).encode("utf-8"))
    return {"id": source.id, "written": True, "problem": problem, **asdict(aligned.score)}


def align_source(
    source: CorpusRecording, aligner: RecordingAligner, max_seconds: float = 60.0
) -> tuple[Aligned | None, npt.NDArray[np.bool_], str]:
    """Align one recording of any layout.

    Returns:
        (alignment or `None`, which of its frames are silent, why it isn't to be trusted or wasn't
        made).
    """
    nothing = np.zeros(0, dtype=np.bool_)
    features = FeatureConfig()
    try:
        audio = read_audio(
            source.data(), sample_rate_hz=features.sample_rate_hz, max_seconds=max_seconds
        )
    except (AudioError, OSError) as error:
        return None, nothing, str(error)
    if audio.cut_at_limit:
        return None, nothing, f"longer than {max_seconds:g} s"
    wave = normalize_level(audio.samples, features.sample_rate_hz)
    mel = log_mel(wave, features)
    transcript = aligner.reader.read(source.text)
    if transcript.unknown:
        return None, nothing, f"unknown word {transcript.unknown[0]!r}"
    silent = silent_frames(mel)
    heard = np.flatnonzero(~silent)
    # The aligner has seen no long silence at either end, and puts short words there.
    first = max(0, int(heard[0]) - aligner.config.lead_frames) if len(heard) else 0
    last = int(heard[-1]) + 1 + aligner.config.trail_frames if len(heard) else len(mel)
    try:
        aligned = aligner.align(transcript, mel[first:last])
    except PhoneError as error:
        return None, nothing, str(error)
    except ValueError:
        return None, nothing, "too short for its text"
    moved = replace(aligned, first_frame=aligned.first_frame + first)
    return moved, silent, aligner.verdict(aligned)
