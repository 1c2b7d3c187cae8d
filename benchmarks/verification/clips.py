"""Clips to train and to test the detector of synthetic speech with.

    VOICELET_RESEARCH_UNMARKED=1 python -m benchmarks.verification.clips CORPUS --out CLIPS

`CORPUS` holds the packed corpora "real" and "teacher".  For each person: recordings, one of them
copied by the vocoder, and a sentence in their voice.  Without the switch voicelet's mark would be
in the clones, and a detector might learn that instead.  `--unheard NAME=VOICE` adds another engine
(a Piper voice), to test with only.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import voicelet
from benchmarks import heldout
from benchmarks.common import BenchmarkError
from benchmarks.copies import bundle_vocoder, vocoder_features
from benchmarks.corpora import TarCorpus
from benchmarks.verification.people import corpus_of, read_people, split_people
from voicelet.audio.features import FloatArray
from voicelet.audio.level import normalize_level
from voicelet.audio.resample import resample
from voicelet.errors import VoiceletError
from voicelet.speaker.synthetic_speech import SAMPLE_RATE_HZ
from voicelet.trust.watermark.mark import is_marking
from voicelet_export.metrics.base import need

_RATE_HZ = 24000
_LONGEST_S = 8


@dataclass(frozen=True)
class Sizes:
    """How many people of each corpus train and test, and how many teacher clips and sentences."""

    train: tuple[int, int] = (70, 60)
    test: tuple[int, int] = (46, 30)
    teacher: tuple[int, int] = (200, 60)
    unheard: int = 30
    seed: int = 7


class ClipWriter:
    """Writes `SPLIT/KIND/SPEAKER-NUMBER.flac` below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers: dict[tuple[str, str, str], int] = defaultdict(int)

    def add(self, split: str, kind: str, speaker: str, samples: FloatArray, rate_hz: int) -> None:
        """Write one clip, at 16 kHz, one level and at most 8 s."""
        wave = normalize_level(resample(samples, rate_hz, SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)
        self._numbers[split, kind, speaker] += 1
        folder = self._folder / split / kind
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{speaker}-{self._numbers[split, kind, speaker]}.flac"
        need("soundfile").write(str(path), wave[: _LONGEST_S * SAMPLE_RATE_HZ], SAMPLE_RATE_HZ)


def chosen(people: Sequence[str], counts: tuple[int, int], rng: random.Random) -> Iterator[str]:
    """So many people of speechocean762 and of LibriSpeech."""
    for name, count in zip(("speechocean762", "librispeech"), counts):
        some = [s for s in people if corpus_of(s) == name]
        yield from rng.sample(some, min(count, len(some)))


def write_clips(
    corpus: Path, out: Path, unheard: Sequence[tuple[str, str]], sizes: Sizes = Sizes()
) -> None:
    """Write all clips.

    Args:
        corpus: folder of "real" and "teacher".
        unheard: (name, voice) of engines to test with only.

    Raises:
        BenchmarkError: speech is being marked.
    """
    if is_marking():
        raise BenchmarkError("set VOICELET_RESEARCH_UNMARKED=1, or the mark would be learnt")
    rng = random.Random(sizes.seed)
    writer = ClipWriter(out)
    real, teacher = TarCorpus(corpus / "real"), TarCorpus(corpus / "teacher")
    texts = [str(r["text"]) for r in teacher.rows.values() if 40 < len(r["text"]) < 120]
    voice, vocode = voicelet.Voice.load(), bundle_vocoder(None)
    parts = split_people(read_people(corpus / "real"))
    for split, people, counts in zip(("train", "test"), parts, (sizes.train, sizes.test)):
        for speaker in chosen(people, counts, rng):
            ids = sorted(i for i, row in real.rows.items() if row["speaker"] == speaker)
            picked = rng.sample(ids, min(len(ids), 6))
            waves = [resample(*real.read(i), _RATE_HZ) for i in picked]
            for wave in waves[: 2 if split == "train" else 3]:
                writer.add(split, "real", speaker, wave, _RATE_HZ)
            level = normalize_level(waves[0][: _LONGEST_S * _RATE_HZ], _RATE_HZ)
            writer.add(split, "copy", speaker, vocode(*vocoder_features(level)), _RATE_HZ)
            try:
                profile = voicelet.enrol(
                    [(np.concatenate(waves), _RATE_HZ)],
                    consent=voicelet.Consent.scripted(speaker, "a public corpus, for research"),
                    name=speaker,
                )
            except voicelet.errors.RecordingRejectedError:
                continue  # too noisy to be cloned
            said = voice.synthesize(rng.choice(texts), profile=profile, seed=rng.randrange(1000))
            writer.add(split, "clone", speaker, np.asarray(said.samples), said.sample_rate_hz)
    _write_teacher(teacher, writer, rng, sizes)
    for name, path in unheard:
        other = voicelet.Voice.load(path, trust_bundle=True)
        for text in rng.sample(texts, sizes.unheard):
            said = other.synthesize(text)
            writer.add("test", name, name, np.asarray(said.samples), said.sample_rate_hz)


def _write_teacher(
    teacher: TarCorpus, writer: ClipWriter, rng: random.Random, sizes: Sizes
) -> None:
    held_out = set(heldout.load().teacher_speakers)
    for split, count in zip(("train", "test"), sizes.teacher):
        ids = sorted(
            i for i, r in teacher.rows.items() if (r["speaker"] in held_out) == (split == "test")
        )
        for utterance in rng.sample(ids, min(count, len(ids))):
            samples, rate = teacher.read(utterance)
            writer.add(split, "teacher", str(teacher.rows[utterance]["speaker"]), samples, rate)


def main() -> None:
    """Write clips as the command line says."""
    parser = argparse.ArgumentParser(prog="benchmarks.verification.clips", description=__doc__)
    parser.add_argument("corpus", type=Path, help='holds "real" and "teacher"')
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--unheard", action="append", default=[], metavar="NAME=VOICE")
    args = parser.parse_args()
    pairs = [(name, voice) for name, _, voice in (u.partition("=") for u in args.unheard)]
    write_clips(args.corpus, args.out, pairs)


if __name__ == "__main__":
    try:
        main()
    except VoiceletError as error:
        sys.exit(f"benchmarks.verification.clips: {error}")
