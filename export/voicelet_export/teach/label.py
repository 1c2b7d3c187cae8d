"""A corpus in a teacher's voice: texts go in, a feature cache with exact alignments comes out.

What the teacher says is kept utterance by utterance until the cache is built, so that a labelling
that is cut off goes on where it was.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FeatureConfig, FloatArray
from voicelet.errors import ConfigError
from voicelet.text.phones import PUNCTUATION, PhoneInventory
from voicelet_export.corpus.cache import CacheWriter, DVectorExtractor
from voicelet_export.corpus.layouts import read_sources
from voicelet_export.corpus.reader import Utterance, resample
from voicelet_export.errors import CorpusError
from voicelet_export.teach.base import Teacher, TeacherSpeech, duration_frames

log = logging.getLogger(__name__)

HELD_OUT_SUFFIX = ".held-out"
"""Ends the names under which a speaker's validation utterances stand in the cache."""


@dataclass(frozen=True)
class LabelConfig:
    """What a teacher is to say, and how it is laid out.

    Attributes:
        hours: of speech, about; texts are drawn until the teacher has said so much.
        held_out_every: every so many utterances one goes to validation.
        seed: of the choice of texts and of the teacher's randomness.
        lead_in_frames, tail_frames: silence put before and after.  The student's corpora have it,
            and the runtime gives its decoder a lead-in.
        label_delay_frames: by how much labels lie behind what is heard.  The default voice's own
            corpus has 4.5 (`intonation.LABEL_DELAY_FRAMES` in `voicelet.synth`), and a student that
            starts from it learns soonest from the same convention.
        max_seconds: longer utterances are left out.
        name: of the voice; single-speaker teachers have none of their own.
    """

    hours: float = 1.0
    held_out_every: int = 25
    seed: int = 1
    lead_in_frames: int = 24
    tail_frames: int = 14
    label_delay_frames: float = 4.5
    max_seconds: float = 9.0
    name: str = "teacher"

    def __post_init__(self) -> None:
        if not 0.0 < self.hours < 1000.0:
            raise ConfigError(f"hours must lie between 0 and 1000, not {self.hours}")
        if self.held_out_every < 2:
            raise ConfigError(f"held_out_every must be at least 2, not {self.held_out_every}")
        if self.label_delay_frames >= min(self.lead_in_frames, self.tail_frames):
            raise ConfigError("label_delay_frames must be less than the silence on either side")


def read_phones(texts: Path) -> list[str]:
    """Phone strings of a corpus (its folder) or of a text file with a sentence a line.

    The rows of a packed corpus may tell their phones; other texts are read by the front end of the
    voice in the package.

    Raises:
        CorpusError: there is nothing to say.
    """
    metadata = texts / "metadata.jsonl"
    try:
        if metadata.is_file():
            rows = [json.loads(line) for line in metadata.read_text("utf-8").splitlines() if line]
            told = all("phonemes" in row for row in rows)
            texts_of = [str(row["phonemes" if told else "text"]) for row in rows]
            phones = texts_of if told else list(_front_end_phones(texts_of))
        elif texts.is_dir():
            phones = list(_front_end_phones([source.text for source in read_sources(texts)]))
        else:
            phones = list(_front_end_phones(texts.read_text("utf-8").splitlines()))
    except (OSError, ValueError, KeyError) as error:
        raise CorpusError(
            f"{texts}: neither a corpus nor a text file with a sentence a line ({error!r})"
        ) from None
    inventory = PhoneInventory()
    known = [p for p in phones if p.strip(PUNCTUATION) and not inventory.missing(p)]
    if not known:
        raise CorpusError(f"{texts}: nothing to say; give a sentence a line")
    return list(dict.fromkeys(known))


def _front_end_phones(lines: Sequence[str]) -> Iterator[str]:
    from voicelet.bundle import open_bundle
    from voicelet.synth.front_end import open_front_end

    front_end = open_front_end(open_bundle())
    for line in lines:
        yield from (clause.phones for clause in front_end.clauses(line, ssml=False))


def label_corpus(
    teacher: Teacher,
    phones: Sequence[str],
    out: Path,
    encoder: Path,
    config: LabelConfig = LabelConfig(),
    on_seconds: Callable[[float, float], None] | None = None,
) -> int:
    """Have a teacher speak until `config.hours` are full, and build the cache `out`.

    Args:
        teacher: of one or more speakers, who take turns.
        phones: strings to draw from, see :func:`read_phones`.
        out: cache folder; `out/spoken` holds the speech until the cache is whole.
        encoder: the exported speaker encoder (ONNX), for d-vectors.
        on_seconds: told (seconds said, seconds wanted).

    Returns:
        Utterances in the cache.  `out/held_out.json` names the validation speakers.

    Raises:
        CorpusError: the texts are used up before a tenth of the hours is said.
    """
    spoken = out / "spoken"
    spoken.mkdir(parents=True, exist_ok=True)
    order = np.random.default_rng(config.seed).permutation(len(phones))
    wanted, said = config.hours * 3600.0, 0.0
    files: list[tuple[str, str, Path]] = []
    for turn, index in enumerate(order):
        if said >= wanted:
            break
        speaker = teacher.speakers[turn % len(teacher.speakers)]
        path = spoken / f"{_key(phones[index], speaker, config)}.npz"
        seconds = _seconds(path)
        if seconds is None:
            seconds = _keep(path, teacher.speak(phones[index], speaker, config.seed + int(index)))
        if seconds > config.max_seconds or seconds < 0.3:
            continue
        files.append((phones[index], speaker or config.name, path))
        said += seconds
        if on_seconds is not None:
            on_seconds(said, wanted)
    if said < wanted / 10:
        raise CorpusError(
            f"the texts give {said / 60:.1f} minutes of {wanted / 60:.1f} asked for; "
            "give more texts"
        )
    _build(files, out, encoder, config)
    shutil.rmtree(spoken)
    log.info("%s: %d utterances, %.2f h", out, len(files), said / 3600.0)
    return len(files)


def _build(
    files: Sequence[tuple[str, str, Path]], out: Path, encoder: Path, config: LabelConfig
) -> None:
    features, inventory = FeatureConfig(), PhoneInventory()
    extract, writer = DVectorExtractor(encoder), CacheWriter(out, features)
    held_out: set[str] = set()
    for number, (phones, speaker, path) in enumerate(files):
        if number % config.held_out_every == config.held_out_every - 1:
            speaker += HELD_OUT_SUFFIX
            held_out.add(speaker)
        with np.load(path) as kept:
            spoken = TeacherSpeech(
                kept["samples"].astype(np.float32) / 32767.0,
                int(kept["rate"]),
                kept.get("durations_s"),
                kept.get("f0_hz"),
                float(kept.get("label_delay_s", 0.0)),
            )
        samples, durations = lay_out(spoken, phones, features, config)
        n_frames = len(samples) // features.hop_length
        writer.add(
            Utterance(f"{speaker}-{number:05d}", speaker, "", samples, features.sample_rate_hz, {}),
            extract(samples, features.sample_rate_hz),
            inventory.encode(phones) if durations is not None else None,
            durations,
            lay_out_f0(spoken, n_frames, features, config),
            bandwidth_hz=min(spoken.sample_rate_hz, features.sample_rate_hz) / 2.0,
        )
    (out / "held_out.json").write_text(json.dumps(sorted(held_out)), encoding="utf-8")
    writer.close()


def lay_out(
    spoken: TeacherSpeech, phones: str, features: FeatureConfig, config: LabelConfig
) -> tuple[FloatArray, npt.NDArray[np.int64] | None]:
    """Bring a teacher's speech to the student's rate, with silence around it.

    Returns:
        samples at `features.sample_rate_hz`, a whole number of frames; durations in frames
        [len(phones) + 2] or `None`.  The closing pad lasts 2 frames and what is left of the silence
        belongs to the mark before it, as in the default voice's corpus.
    """
    hop = features.hop_length
    wave = resample(spoken.samples, spoken.sample_rate_hz, features.sample_rate_hz)
    wave = wave[: len(wave) // hop * hop]
    lead, tail = config.lead_in_frames, config.tail_frames
    padded = np.pad(wave, (lead * hop, tail * hop)).astype(np.float32)
    if spoken.durations_s is None:
        return padded, None
    frames = duration_frames(spoken.durations_s, len(wave), features.sample_rate_hz, hop)
    own_delay = spoken.label_delay_s * features.sample_rate_hz / hop
    edges = np.cumsum(frames) + lead + round(config.label_delay_frames - own_delay)
    edges[-1] = len(wave) // hop + lead + tail
    if phones[-1:] and phones[-1] in PUNCTUATION:
        edges[-2] = edges[-1] - 2
    # Every phone is heard; what rounds to nothing takes a frame of its neighbours.
    for i in range(1, len(edges)):
        edges[i] = max(edges[i], edges[i - 1] + 1)
    over = edges[-1] - (len(wave) // hop + lead + tail)
    if over > 0:
        padded = np.pad(padded, (0, over * hop)).astype(np.float32)
    return padded, np.diff(edges, prepend=0)


def lay_out_f0(
    spoken: TeacherSpeech, n_frames: int, features: FeatureConfig, config: LabelConfig
) -> FloatArray | None:
    """A teacher's own f0 [n_frames] in Hz, laid out as its speech is; `None` if it tells none."""
    if spoken.f0_hz is None or not len(spoken.f0_hz):
        return None
    seconds = len(spoken.samples) / spoken.sample_rate_hz
    count = int(seconds * features.sample_rate_hz) // features.hop_length
    middles = (np.arange(count) + 0.5) * features.hop_length / features.sample_rate_hz
    places = (middles / seconds * len(spoken.f0_hz)).astype(np.int64)
    f0 = np.zeros(n_frames, np.float32)
    lead = config.lead_in_frames
    f0[lead : lead + count] = spoken.f0_hz[places.clip(0, len(spoken.f0_hz) - 1)]
    return f0


def _key(phones: str, speaker: str, config: LabelConfig) -> str:
    text = json.dumps([phones, speaker, config.seed])
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:24]


def _seconds(path: Path) -> float | None:
    if not path.exists():
        return None
    with np.load(path) as kept:
        return len(kept["samples"]) / float(kept["rate"])


def _keep(path: Path, spoken: TeacherSpeech) -> float:
    arrays = {
        "samples": np.clip(np.rint(spoken.samples * 32767.0), -32768, 32767).astype(np.int16),
        "rate": np.array(spoken.sample_rate_hz),
    }
    if spoken.durations_s is not None:
        arrays["durations_s"] = spoken.durations_s
        arrays["label_delay_s"] = np.array(spoken.label_delay_s)
    if spoken.f0_hz is not None:
        arrays["f0_hz"] = spoken.f0_hz
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    part = path.with_suffix(".part")
    part.write_bytes(buffer.getvalue())
    os.replace(part, path)
    return len(spoken.samples) / spoken.sample_rate_hz
