"""A packed corpus of a teacher's speech in several languages, to learn from.

Shard after shard, so that every state of it is a corpus; languages take turns, so that they grow
together.  Who says what depends on the seed and the turn alone, and a corpus that is cut off goes
on behind its last whole shard.
"""

from __future__ import annotations

import io
import json
import logging
import tarfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from voicelet.audio.features import FloatArray
from voicelet.errors import ConfigError
from voicelet.files import atomic_file
from voicelet_export.corpus.reader import read_rows
from voicelet_export.errors import CorpusError
from voicelet_export.teach.kokoro import F0_SAMPLES, RATE_HZ, UNIT_SAMPLES, KokoroTeacher

log = logging.getLogger(__name__)

NATIVE = {"en": ("a", "b"), "es": ("e",), "fr": ("f",), "it": ("i",), "pt-br": ("p",)}
"""Language → first letters of the voices that are at home in it."""
_OPUS_LEVEL = 0.768  # libsndfile's measure of 64 kbit/s
_WHERE_F0 = 20.0  # Hz; lower values are the teacher's way of saying nothing


@dataclass(frozen=True)
class SpeechCorpusConfig:
    """What is spoken, and by whom.

    Attributes:
        hours: of speech in each language.
        mix_share: of the turns taken by mixes.
        native_share: of the other turns, those taken by voices at home in the language.
        speed: least and greatest factor of the tempo; half of the turns keep 1.
        max_seconds: longer utterances are left out.
        shard_turns: turns in a shard.
        seed: of texts, speakers and tempo.
    """

    hours: float = 1.5
    mix_share: float = 0.5
    native_share: float = 0.4
    speed: tuple[float, float] = (0.92, 1.12)
    max_seconds: float = 15.0
    shard_turns: int = 40
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0.0 < self.hours < 1000.0:
            raise ConfigError(f"hours must lie between 0 and 1000, not {self.hours}")
        if not (0.0 <= self.mix_share <= 1.0 and 0.0 <= self.native_share <= 1.0):
            raise ConfigError("mix_share and native_share must lie between 0 and 1")
        if not 0.5 <= self.speed[0] <= self.speed[1] <= 2.0:
            raise ConfigError(f"speed must be a range within 0.5 and 2, not {self.speed}")
        if self.shard_turns < 1:
            raise ConfigError("shard_turns must be at least 1")


def front_end_phones() -> Callable[[str], str]:
    """English text to phones by the front end of the voice in the package."""
    from voicelet.bundle import open_bundle
    from voicelet.synth.front_end import open_front_end

    front_end = open_front_end(open_bundle())
    return lambda text: " ".join(c.phones for c in front_end.clauses(text, ssml=False))


@dataclass(frozen=True)
class Turn:
    """One utterance to be spoken."""

    number: int
    language: str
    text: str
    speaker: str
    speed: float


def read_sentences(files: Sequence[tuple[str, Path]]) -> dict[str, list[list[str]]]:
    """Sentences by language and file.

    Args:
        files: language and text file with a sentence a line; a language may have several.

    Raises:
        CorpusError: a file can't be read or is empty.
    """
    found: dict[str, list[list[str]]] = defaultdict(list)
    for language, path in files:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise CorpusError(f"{path} can't be read: {error}") from None
        sentences = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
        if not sentences:
            raise CorpusError(f"{path}: nothing to say; give a sentence a line")
        found[language].append(sentences)
    return dict(found)


def plan_turns(
    sentences: Mapping[str, Sequence[Sequence[str]]],
    voices: Sequence[str],
    mixes: Sequence[str],
    config: SpeechCorpusConfig,
) -> Iterator[Turn]:
    """Turns without end, languages one after the other.

    A file's share of the turns goes with the root of its length, so that a short one (everyday
    sentences beside news) is heard more often; each is used up before it is repeated.
    """
    languages = sorted(sentences)
    rngs = {name: np.random.default_rng((config.seed, k)) for k, name in enumerate(languages)}
    left: dict[tuple[str, int], list[str]] = {}
    number = 0
    while True:
        language = languages[number % len(languages)]
        rng, files = rngs[language], sentences[language]
        shares = np.sqrt([len(file) for file in files])
        file = int(rng.choice(len(files), p=shares / shares.sum()))
        if not left.get((language, file)):
            left[language, file] = [files[file][i] for i in rng.permutation(len(files[file]))]
        native = [v for v in voices if v.startswith(NATIVE.get(language, ()))]
        if mixes and (rng.random() < config.mix_share or not voices):
            speakers = mixes
        else:
            speakers = native if native and rng.random() < config.native_share else voices
        speaker = speakers[int(rng.integers(len(speakers)))]
        speed = round(float(rng.uniform(*config.speed)), 2) if rng.random() < 0.5 else 1.0
        yield Turn(number, language, left[language, file].pop(), speaker, speed)
        number += 1


def write_speech_corpus(
    teacher: KokoroTeacher,
    sentences: Mapping[str, Sequence[Sequence[str]]],
    phones_of: Mapping[str, Callable[[str], str]],
    out: Path,
    config: SpeechCorpusConfig = SpeechCorpusConfig(),
    on_seconds: Callable[[float, float], None] | None = None,
) -> float:
    """Have a teacher speak until every language has its hours.

    Args:
        sentences: see :func:`read_sentences`.
        phones_of: language → text to phones in the teacher's convention.
        out: packed corpus (`metadata.jsonl`, `shard-N.tar` of Ogg/Opus at 64 kbit/s).
        on_seconds: told (seconds said, seconds wanted).

    Returns:
        Seconds in the corpus.

    Raises:
        CorpusError: `out` holds another corpus.
    """
    _claim(out, teacher, sentences, config)
    rows = read_rows(out) if (out / "metadata.jsonl").is_file() else []
    said: dict[str, float] = dict.fromkeys(sentences, 0.0)
    for row in rows:
        said[row["language"]] += row["seconds"]
    wanted = config.hours * 3600.0
    shard = 1 + max((row["shard"] for row in rows), default=-1)
    voices = [name for name in teacher.speakers if name not in teacher.mixes]
    mixes = [name for name in teacher.speakers if name in teacher.mixes]
    turns = plan_turns(sentences, voices, mixes, config)
    turns = islice(turns, shard * config.shard_turns, None)
    while min(said.values()) < wanted:
        with (
            atomic_file(out / f"shard-{shard}.tar") as file,
            tarfile.open(fileobj=file, mode="w") as tar,
        ):
            for turn in islice(turns, config.shard_turns):
                if said[turn.language] >= wanted:
                    continue
                said_now = _say(teacher, turn, phones_of[turn.language], config)
                if said_now is None:
                    continue
                row, opus = said_now
                info = tarfile.TarInfo(f"{row['id']}.ogg")
                info.size = len(opus)
                tar.addfile(info, io.BytesIO(opus))
                rows.append({**row, "shard": shard})
                said[turn.language] += row["seconds"]
                if on_seconds is not None:
                    on_seconds(sum(said.values()), wanted * len(said))
        with atomic_file(out / "metadata.jsonl") as file:
            for row in rows:
                file.write((json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8"))
        short = {name: round(seconds / 60.0, 1) for name, seconds in said.items()}
        log.info("shard %d: %d utterances, minutes %s", shard, len(rows), short)
        shard += 1
    return sum(said.values())


def _say(
    teacher: KokoroTeacher, turn: Turn, phones_of: Callable[[str], str], config: SpeechCorpusConfig
) -> tuple[dict[str, Any], bytes] | None:
    """The row and the Ogg/Opus of a turn; `None` if it can't be said or is too long."""
    phones = phones_of(turn.text)
    if not phones or len(phones) > 500 or teacher.missing(phones):
        log.warning("left out, its phones can't be said: %s", turn.text)
        return None
    spoken = teacher.speak(phones, turn.speaker, speed=turn.speed)
    seconds = len(spoken.samples) / RATE_HZ
    if seconds > config.max_seconds:
        return None
    if spoken.durations_s is None or spoken.f0_hz is None:
        raise CorpusError("the teacher tells no durations or no f0; only Kokoro does")
    f0 = np.where(spoken.f0_hz > _WHERE_F0, np.rint(spoken.f0_hz), 0.0)
    row = {
        "id": f"{turn.speaker}_{turn.language}_{turn.number:05d}",
        "speaker": turn.speaker,
        "mix": teacher.mixes.get(turn.speaker, {turn.speaker: 1.0}),
        "speed": turn.speed,
        "text": turn.text,
        "language": turn.language,
        "phonemes": phones,
        "frames": np.rint(spoken.durations_s * RATE_HZ / UNIT_SAMPLES).astype(int).tolist(),
        "f0": f0[: len(spoken.samples) // F0_SAMPLES].astype(int).tolist(),
        "seconds": round(seconds, 4),
    }
    return row, _opus(spoken.samples)


def _opus(samples: FloatArray) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(
        buffer, samples, RATE_HZ, format="OGG", subtype="OPUS", compression_level=_OPUS_LEVEL
    )
    return buffer.getvalue()


def _claim(
    out: Path,
    teacher: KokoroTeacher,
    sentences: Mapping[str, Sequence[Sequence[str]]],
    config: SpeechCorpusConfig,
) -> None:
    """Note what the corpus is made of; refuse to go on with another's."""
    plan = {
        "config": {name: value for name, value in asdict(config).items() if name != "hours"},
        "speakers": list(teacher.speakers),
        "sentences": {name: [len(f) for f in files] for name, files in sorted(sentences.items())},
        "last": {name: [f[-1] for f in files] for name, files in sorted(sentences.items())},
    }
    text = json.dumps(plan, ensure_ascii=False, indent=1)
    path = out / "plan.json"
    if path.is_file():
        if path.read_text(encoding="utf-8") != text:
            raise CorpusError(
                f"{out} was begun with other texts, speakers or settings; give those again, or "
                "another folder"
            )
        return
    if (out / "metadata.jsonl").is_file():
        raise CorpusError(f"{out} holds another corpus; choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as file:
        file.write(text.encode("utf-8"))
