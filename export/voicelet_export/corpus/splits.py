"""Splits by speaker: nobody who is tested was trained on, and the parts are alike.

Speakers are dealt out within each gender, largest part first, to whichever part lacks most of its
share of that gender's speech; a corpus of one or two speakers is split by utterance instead.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voicelet.errors import ConfigError
from voicelet.files import atomic_file
from voicelet_export.corpus.cache import COPY_MARK, FeatureCache
from voicelet_export.corpus.reader import read_rows
from voicelet_export.errors import CorpusError

_LOW_VOICE_HZ = 155.0


@dataclass(frozen=True)
class SplitConfig:
    """How a corpus is split.

    Attributes:
        valid, test: shares of the speech, 0 to 0.5 each; the rest trains.
        seed: of the order in which speakers are dealt out.
    """

    valid: float = 0.05
    test: float = 0.05
    seed: int = 1

    def __post_init__(self) -> None:
        for name, share in (("valid", self.valid), ("test", self.test)):
            if not 0.0 <= share <= 0.5:
                raise ConfigError(f"{name} must lie between 0 and 0.5, not {share}")
        if self.valid + self.test == 0.0 or self.valid + self.test >= 1.0:
            raise ConfigError("valid and test together must lie between 0 and 1")


@dataclass(frozen=True)
class SpokenUtterance:
    """An utterance as a split sees it.

    Attributes:
        gender: "f", "m" or "" where it isn't known.
    """

    id: str
    speaker: str
    seconds: float
    gender: str = ""


@dataclass(frozen=True)
class Split:
    """Who is in which part.

    Attributes:
        speakers: part ("train", "valid", "test") → speakers; empty lists where `by_utterance`.
        utterances: part → utterance ids.
        by_utterance: whether speakers had to be shared by the parts.
    """

    speakers: Mapping[str, tuple[str, ...]]
    utterances: Mapping[str, tuple[str, ...]]
    by_utterance: bool

    @property
    def held_out(self) -> list[str]:
        """Names for a held-out file: speakers, or ids where the parts share speakers."""
        parts = self.utterances if self.by_utterance else self.speakers
        return sorted({*parts["valid"], *parts["test"]})


def split_speakers(spoken: Sequence[SpokenUtterance], config: SplitConfig = SplitConfig()) -> Split:
    """Split utterances; no speaker is in two parts where there are enough of them.

    Raises:
        CorpusError: there are fewer utterances than parts.
    """
    shares = {"train": 1.0 - config.valid - config.test, "valid": config.valid, "test": config.test}
    wanted = {name: share for name, share in shares.items() if share > 0.0}
    if len(spoken) < len(wanted):
        raise CorpusError(
            f"{len(spoken)} utterances can't be split in {len(wanted)} parts; record more"
        )
    voices = {s.speaker.split(COPY_MARK)[0] for s in spoken}
    by_utterance = len(voices) < len(wanted)
    groups: dict[str, list[SpokenUtterance]] = defaultdict(list)
    for one in spoken:
        groups[(one.id if by_utterance else one.speaker).split(COPY_MARK)[0]].append(one)
    strata: dict[str, list[str]] = defaultdict(list)
    for name in sorted(groups):
        strata["" if by_utterance else groups[name][0].gender].append(name)
    seconds = {name: sum(s.seconds for s in found) for name, found in groups.items()}
    dealt = _deal(strata, seconds, wanted, config.seed)
    part_of = {name: part for part, names in dealt.items() for name in names}
    speakers: dict[str, set[str]] = {part: set() for part in shares}
    utterances: dict[str, list[str]] = {part: [] for part in shares}
    for name, found in groups.items():
        for one in found:
            utterances[part_of[name]].append(one.id)
            speakers[part_of[name]].add(one.speaker)
    return Split(
        {k: () if by_utterance else tuple(sorted(v)) for k, v in speakers.items()},
        {k: tuple(sorted(v)) for k, v in utterances.items()},
        by_utterance,
    )


def _deal(
    strata: Mapping[str, Sequence[str]],
    seconds: Mapping[str, float],
    shares: Mapping[str, float],
    seed: int,
) -> dict[str, list[str]]:
    """Deal names out by largest lack, stratum by stratum; no part stays empty."""
    rng = np.random.default_rng(seed)
    parts: dict[str, list[str]] = {part: [] for part in shares}
    carried = dict.fromkeys(shares, 0.0)  # what small strata owe to small parts
    for stratum in sorted(strata):
        names = [strata[stratum][int(i)] for i in rng.permutation(len(strata[stratum]))]
        total = sum(seconds[name] for name in names)
        lack = {part: carried[part] + share * total for part, share in shares.items()}
        # The longest first, so that what is dealt last evens the parts out.
        for name in sorted(names, key=lambda n: -_coarse(seconds[n])):
            part = max(lack, key=lambda p: (lack[p], shares[p]))
            parts[part].append(name)
            lack[part] -= seconds[name]
        carried = lack
    for part in shares:
        if not parts[part]:
            donor = max(parts, key=lambda p: len(parts[p]))
            least = min(parts[donor], key=lambda n: (seconds[n], n))
            parts[donor].remove(least)
            parts[part].append(least)
    return parts


def _coarse(seconds: float) -> int:
    """Length in steps of a factor of two, so that the seed decides among those that are alike."""
    return int(math.log2(max(seconds, 1e-3)))


def read_spoken(folder: Path) -> list[SpokenUtterance]:
    """Utterances of a feature cache or a packed corpus.

    In a cache, where nobody's gender is written down, the mean f0 stands in for it.

    Raises:
        CorpusError: it is neither.
    """
    try:
        if (folder / "index.json").is_file():
            return cached_spoken(FeatureCache(folder))
        rows = read_rows(folder)
        return [
            SpokenUtterance(
                str(r["id"]), str(r["speaker"]), float(r["seconds"]), _gender(r.get("gender", ""))
            )
            for r in rows
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(
            f"{folder} is neither a feature cache nor a packed corpus ({error!r}); "
            "make one with `voicelet-export corpus prepare`"
        ) from error


def cached_spoken(cache: FeatureCache) -> list[SpokenUtterance]:
    """Utterances of a cache; a speaker's gender is guessed from the mean f0."""
    pitches: dict[str, list[float]] = defaultdict(list)
    for entry in cache.entries:
        pitches[entry.speaker].append(entry.log_f0_mean)
    low = {s: float(np.median(v)) < math.log(_LOW_VOICE_HZ) for s, v in pitches.items()}
    rate = cache.features.frames_per_second
    return [
        SpokenUtterance(e.id, e.speaker, e.n_frames / rate, "m" if low[e.speaker] else "f")
        for e in cache.entries
    ]


def _gender(value: Any) -> str:
    first = str(value).strip().lower()[:1]
    return first if first in ("f", "m") else ""


def draw_held_out(
    caches: Sequence[FeatureCache], config: SplitConfig | None = None, aligned: bool = False
) -> set[str]:
    """Names for validation: those that the caches name themselves, else a twentieth of each.

    Augmented copies are never drawn; those of what is drawn are left out of training.

    Args:
        aligned: draw only from utterances whose phones are known.
    """
    names: set[str] = set()
    for cache in caches:
        given = cache.folder / "held_out.json"
        if given.is_file():
            names |= {str(name) for name in json.loads(given.read_text(encoding="utf-8"))}
            continue
        usable = {e.id for e in cache.entries if e.n_phones or not aligned}
        spoken = [s for s in cached_spoken(cache) if s.id in usable and COPY_MARK not in s.id]
        if spoken:
            names |= set(split_speakers(spoken, config or SplitConfig(test=0.0)).held_out)
    return names


def write_split(split: Split, spoken: Sequence[SpokenUtterance], out: Path) -> dict[str, Any]:
    """Write `split.json` and `held_out.json` (what no training may see) to the folder `out`.

    Returns:
        What was written to `split.json`: for every part its speakers, utterances, hours and the
        hours of each gender.
    """
    known = {s.id: s for s in spoken}
    report: dict[str, Any] = {"by_utterance": split.by_utterance}
    for part, ids in split.utterances.items():
        hours: dict[str, float] = defaultdict(float)
        for one in (known[i] for i in ids):
            hours[one.gender or "unknown"] += one.seconds / 3600.0
        report[part] = {
            "hours": round(sum(hours.values()), 4),
            "hours_by_gender": {g: round(h, 4) for g, h in sorted(hours.items())},
            "speakers": list(split.speakers[part]),
            "utterances": list(ids),
        }
    out.mkdir(parents=True, exist_ok=True)
    for name, value in (("split.json", report), ("held_out.json", split.held_out)):
        with atomic_file(out / name) as file:
            file.write((json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode("utf-8"))
    return report
