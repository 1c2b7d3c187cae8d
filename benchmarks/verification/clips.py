"""Clips to train and to test the detector of synthetic speech with.

    VOICELET_RESEARCH_UNMARKED=1 python -m benchmarks.verification.clips CORPUS --out CLIPS

`CORPUS` holds the packed corpora of people (`REAL_CORPORA`), "teacher" and "piper_libritts904".
For each person: recordings, one of them copied by the vocoder and one by WORLD, and two sentences
in their voice.  Without the switch voicelet's mark would be in the clones, and a detector might
learn that instead.  `--heard` and `--unheard` add other engines, see `engines`: the first to train
and to test with (every second voice of a name), the second to test with only.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import voicelet
from benchmarks import heldout
from benchmarks.attacks import world
from benchmarks.common import BenchmarkError
from benchmarks.copies import Vocode, bundle_vocoder, vocoder_features
from benchmarks.corpora import TarCorpus
from benchmarks.verification.engines import open_engine
from benchmarks.verification.people import REAL_CORPORA, corpus_of, read_people, split_people
from voicelet.audio.features import FloatArray
from voicelet.audio.level import normalize_level
from voicelet.audio.resample import resample
from voicelet.enrolment.enrolment import assess, make_profile
from voicelet.enrolment.liveness.sentence import random_sentence
from voicelet.errors import VoiceletError
from voicelet.speaker.encoder import RunnableGraph, open_encoder
from voicelet.trust.watermark.mark import is_marking
from voicelet_export.metrics.base import need
from voicelet_export.train.synthetic_speech import CLIP_RATE_HZ
from voicelet_export.train.voice_match import is_test_person

_LONGEST_S = 8
_WORLD_S = 4
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sizes:
    """How many people of each corpus and clips of each other kind train and test.

    Attributes:
        people: at most, of each corpus of people: (train, test).
        recordings: of each person; four times as many of the few of vcc2016.
        teacher, other: clips of the teacher and of piper_libritts904: (train, test).
        engine: clips of each engine's voice.
    """

    people: tuple[int, int] = (90, 40)
    recordings: tuple[int, int] = (3, 4)
    teacher: tuple[int, int] = (250, 80)
    other: tuple[int, int] = (250, 120)
    engine: int = 8
    seed: int = 7


class ClipWriter:
    """Writes `SPLIT/KIND/SPEAKER-NUMBER.flac` below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers: dict[tuple[str, str, str], int] = defaultdict(int)

    def add(self, split: str, kind: str, speaker: str, samples: FloatArray, rate_hz: int) -> None:
        """Write one clip, at 24 kHz, one level and at most 8 s."""
        wave = normalize_level(resample(samples, rate_hz, CLIP_RATE_HZ), CLIP_RATE_HZ)
        self._numbers[split, kind, speaker] += 1
        folder = self._folder / split / kind
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{speaker}-{self._numbers[split, kind, speaker]}.flac"
        need("soundfile").write(str(path), wave[: _LONGEST_S * CLIP_RATE_HZ], CLIP_RATE_HZ)


class PersonCloner:
    """A person's recordings, copies and clones as clips."""

    def __init__(self, writer: ClipWriter, texts: Sequence[str], rng: random.Random) -> None:
        self._writer, self._texts, self._rng = writer, texts, rng
        self._voice = voicelet.Voice.load()
        self._encoder: RunnableGraph = open_encoder(self._voice.bundle)
        self._vocode: Vocode = bundle_vocoder(None)
        self._noise = np.random.default_rng(rng.randrange(1 << 30))

    def add(self, split: str, speaker: str, waves: Sequence[FloatArray], count: int) -> None:
        """Write `count` of a person's recordings [n] at 24 kHz, and what is made of them."""
        for wave in waves[:count]:
            self._writer.add(split, "real", speaker, wave, CLIP_RATE_HZ)
        level = normalize_level(waves[0][: _LONGEST_S * CLIP_RATE_HZ], CLIP_RATE_HZ)
        copy = self._vocode(*vocoder_features(level))
        self._writer.add(split, "copy", speaker, copy, CLIP_RATE_HZ)
        short = level[: _WORLD_S * CLIP_RATE_HZ]  # WORLD takes its time
        self._writer.add(split, "world", speaker, world(short, self._noise), CLIP_RATE_HZ)
        try:
            gated = assess([(np.concatenate(waves), CLIP_RATE_HZ)], self._encoder)
            consent = voicelet.Consent.scripted(speaker, "a public corpus, for research")
            profile = make_profile(gated, speaker, consent, self._encoder)
        except voicelet.errors.RecordingRejectedError:
            return  # too noisy to be cloned
        day_sentence = random_sentence(rng=self._rng).text
        for text in (day_sentence, self._rng.choice(self._texts)):
            seed = self._rng.randrange(1000)
            said = self._voice.synthesize(text, profile=profile, seed=seed)
            samples = np.asarray(said.samples)
            self._writer.add(split, "clone", speaker, samples, said.sample_rate_hz)


def write_clips(
    corpus: Path,
    out: Path,
    *,
    heard: Sequence[str] = (),
    unheard: Sequence[str] = (),
    sizes: Sizes = Sizes(),
) -> None:
    """Write all clips.

    Args:
        corpus: folder of the corpora.
        heard, unheard: engines, see `open_engine`.

    Raises:
        BenchmarkError: speech is being marked, or an engine says nothing.
    """
    if is_marking():
        raise BenchmarkError("set VOICELET_RESEARCH_UNMARKED=1, or the mark would be learnt")
    rng = random.Random(sizes.seed)
    writer = ClipWriter(out)
    teacher = TarCorpus(corpus / "teacher")
    texts = [str(r["text"]) for r in teacher.rows.values() if 40 < len(r["text"]) < 120]
    _write_engines(writer, texts, heard, unheard, rng, sizes.engine)
    held_out = frozenset(heldout.load().teacher_speakers)
    _write_corpus(teacher, "teacher", writer, rng, sizes.teacher, lambda s: s in held_out)
    other = corpus / "piper_libritts904"
    if other.is_dir():
        _write_corpus(
            TarCorpus(other), "libritts", writer, rng, sizes.other,
            lambda s: is_test_person(s, frozenset()),
        )  # fmt: skip
    cloner = PersonCloner(writer, texts, rng)
    for name in REAL_CORPORA:
        if not (corpus / name).is_dir():
            continue
        real = TarCorpus(corpus / name)
        parts = split_people(read_people(corpus / name))
        for split, people, at_most, count in zip(
            ("train", "test"), parts, sizes.people, sizes.recordings
        ):
            for speaker in _chosen(people, at_most, rng):
                ids = sorted(i for i, row in real.rows.items() if row["speaker"] == speaker)
                several = count * (4 if name == "vcc2016" else 1)
                picked = rng.sample(ids, min(len(ids), max(6, several)))
                waves = [resample(*real.read(i), CLIP_RATE_HZ) for i in picked]
                cloner.add(split, speaker, waves, several)
        _log.info("%s: done", name)


def _chosen(people: Sequence[str], at_most: int, rng: random.Random) -> Iterator[str]:
    """At most so many people of each corpus that is among them."""
    for name in sorted({corpus_of(s) for s in people}):
        some = [s for s in people if corpus_of(s) == name]
        yield from rng.sample(some, min(at_most, len(some)))


def _write_corpus(
    corpus: TarCorpus,
    kind: str,
    writer: ClipWriter,
    rng: random.Random,
    counts: tuple[int, int],
    is_test: Callable[[str], bool],
) -> None:
    """So many clips of a corpus of synthetic speech, whole speakers on either side."""
    for split, count in zip(("train", "test"), counts):
        ids = sorted(
            i for i, r in corpus.rows.items() if is_test(str(r["speaker"])) == (split == "test")
        )
        for utterance in rng.sample(ids, min(count, len(ids))):
            samples, rate = corpus.read(utterance)
            speaker = str(corpus.rows[utterance]["speaker"])
            writer.add(split, kind, speaker, samples, rate)


def _write_engines(
    writer: ClipWriter,
    texts: Sequence[str],
    heard: Sequence[str],
    unheard: Sequence[str],
    rng: random.Random,
    count: int,
) -> None:
    for number, spec in enumerate([*heard, *unheard]):
        name, say = open_engine(spec)
        split = "train" if spec in heard and number % 2 == 0 else "test"
        said = [random_sentence(rng=rng).text for _ in range(count // 2)]
        for text in said + rng.sample(texts, count - count // 2):
            writer.add(split, name, f"{name}{number}", *say(text))


def main() -> None:
    """Write clips as the command line says."""
    parser = argparse.ArgumentParser(prog="benchmarks.verification.clips", description=__doc__)
    parser.add_argument("corpus", type=Path, help="folder of the corpora")
    parser.add_argument("--out", type=Path, required=True)
    for option in ("--heard", "--unheard"):
        parser.add_argument(option, action="append", default=[], metavar="NAME=ENGINE")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    write_clips(args.corpus, args.out, heard=args.heard, unheard=args.unheard)


if __name__ == "__main__":
    try:
        main()
    except VoiceletError as error:
        sys.exit(f"benchmarks.verification.clips: {error}")
