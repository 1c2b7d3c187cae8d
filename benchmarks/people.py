"""Recordings of the held-out people as files: references to enrol, and clips for the ceiling."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.common import BenchmarkError, write_wav
from benchmarks.corpora import TarCorpus
from benchmarks.heldout import HeldOut, Person
from voicelet.audio.features import FloatArray
from voicelet_export.metrics.folder import write_texts

CLIP_S = 5.0
MAX_CLIPS = 3
TEACHER_REFERENCE_S = 30.0


@dataclass(frozen=True)
class Reference:
    """A recording to enrol a speaker with."""

    speaker: str
    path: Path


def _joined(corpus: TarCorpus, ids: tuple[str, ...]) -> tuple[FloatArray, int]:
    parts = [corpus.read(i) for i in ids]
    rates = {rate for _, rate in parts}
    if len(rates) != 1:
        raise BenchmarkError(f"utterances {ids[0]}… have different rates {sorted(rates)}")
    return np.concatenate([samples for samples, _ in parts]), rates.pop()


def _ceiling_clips(corpus: TarCorpus, person: Person) -> list[tuple[FloatArray, int, str]]:
    if person.split_s is not None:
        samples, rate = corpus.read(person.ceiling[0])
        # Its text is of the whole utterance, so the words of a part aren't known.
        return [(samples[round(person.split_s * rate) :], rate, "")]
    clips: list[tuple[FloatArray, int, str]] = []
    ids: list[str] = []
    for utterance in person.ceiling:
        ids.append(utterance)
        if sum(corpus.rows[i]["seconds"] for i in ids) >= CLIP_S:
            samples, rate = _joined(corpus, tuple(ids))
            text = " ".join(corpus.rows[i]["text"].capitalize() + "." for i in ids)
            clips.append((samples, rate, text))
            ids = []
        if len(clips) == MAX_CLIPS:
            break
    return clips


def write_people(corpus: Path, held_out: HeldOut, out: Path) -> list[Reference]:
    """Write `references/SPEAKER.wav` and the folder `recordings` with its `texts.tsv`.

    Args:
        corpus: the folder that holds the corpora "real" and "teacher".
        out: where to write.

    Returns:
        The references of the held-out real people, in the order of the list.
    """
    real = TarCorpus(corpus / "real")
    references: list[Reference] = []
    texts: list[tuple[str, str, str]] = []
    for person in held_out.people:
        samples, rate = _joined(real, person.reference)
        if person.split_s is not None:
            samples = samples[: round(person.split_s * rate)]
        path = out / "references" / f"{person.speaker}.wav"
        write_wav(path, samples, rate)
        references.append(Reference(person.speaker, path))
        for number, (clip, clip_rate, text) in enumerate(_ceiling_clips(real, person)):
            name = f"{person.speaker}-{number}.wav"
            write_wav(out / "recordings" / name, clip, clip_rate)
            texts.append((name, text, f"../references/{person.speaker}.wav"))
    write_texts(out / "recordings", texts)
    return references


def write_teacher_speakers(corpus: Path, held_out: HeldOut, out: Path) -> list[Reference]:
    """Write `references/SPEAKER.wav` for the teacher's held-out speakers."""
    teacher = TarCorpus(corpus / "teacher")
    references: list[Reference] = []
    for speaker in held_out.teacher_speakers:
        ids: list[str] = []
        for row in sorted(
            (r for r in teacher.rows.values() if r["speaker"] == speaker),
            key=lambda r: str(r["id"]),
        ):
            if sum(teacher.rows[i]["seconds"] for i in ids) < TEACHER_REFERENCE_S:
                ids.append(row["id"])
        samples, rate = _joined(teacher, tuple(ids))
        path = out / "references" / f"{speaker}.wav"
        write_wav(path, samples, rate)
        references.append(Reference(speaker, path))
    return references
