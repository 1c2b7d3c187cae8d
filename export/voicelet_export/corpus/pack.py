"""Pack a corpus of any layout: `metadata.jsonl` and shards of FLAC, as the trainers read them.

A shard is written whole or not at all, and a packing that is cut off goes on behind the last one;
the same corpus gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import shutil
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile

from voicelet.audio.features import FloatArray
from voicelet.audio.io import read_audio
from voicelet.audio.source import clean
from voicelet.errors import AudioError, ConfigError
from voicelet.files import atomic_file
from voicelet_export.corpus.layouts import CorpusRecording, read_sources
from voicelet_export.corpus.reader import resample
from voicelet_export.errors import CorpusError

log = logging.getLogger(__name__)

OnItem = Callable[[int, int], None]
"""Told (items done, items in all)."""


@dataclass(frozen=True)
class PackConfig:
    """How a corpus is packed.

    Attributes:
        layout: one of `voicelet_export.corpus.layouts.LAYOUTS`, or "auto".
        rate_hz: recordings above this rate are brought down to it; the features' own rate.
        min_seconds, max_seconds: shorter and longer recordings are left out.
        shard_mb: a shard is closed once it holds as much.
        most_unreadable: largest share of recordings that may be left out for being broken.
        most_per_speaker: of a speaker with more recordings, so many are taken, evenly spaced in
            the order of their ids; 0 takes all.
        clean: take offset, hum and rumble out, as enrolment does.  What a voice is trained on is
            left as it is, for its lowest bands would change.
    """

    layout: str = "auto"
    rate_hz: int = 24000
    min_seconds: float = 0.4
    max_seconds: float = 30.0
    shard_mb: float = 50.0
    most_unreadable: float = 0.1
    most_per_speaker: int = 0
    clean: bool = False

    def __post_init__(self) -> None:
        if not 8000 <= self.rate_hz <= 192_000:
            raise ConfigError(f"rate_hz must lie between 8000 and 192000, not {self.rate_hz}")
        if not 0.0 <= self.min_seconds < self.max_seconds:
            raise ConfigError("min_seconds must be less than max_seconds")
        if self.shard_mb <= 0.0:
            raise ConfigError(f"shard_mb must be above 0, not {self.shard_mb}")
        if self.most_per_speaker < 0:
            raise ConfigError(f"most_per_speaker can't be negative: {self.most_per_speaker}")


DEFAULT_PACK = PackConfig()


@dataclass(frozen=True)
class _Packed:
    """One recording on its way into a shard: its row and FLAC, or why it is left out."""

    row: dict[str, Any]
    flac: bytes
    reason: Literal["", "unreadable", "too short", "too long", "no text"]
    detail: str = ""


def pack_corpus(
    folder: Path, out: Path, config: PackConfig = DEFAULT_PACK, on_item: OnItem | None = None
) -> dict[str, Any]:
    """Pack the corpus `folder` into the folder `out`.

    Returns:
        A report, also written to `out/prepare.json`: layout, counts, hours, speakers and what was
        left out for which reason.

    Raises:
        ConfigError, CorpusError: the folder can't be read as a corpus, too many of its recordings
            are broken, or none is left.
    """
    sources = choose_sources(read_sources(folder, config.layout), config.most_per_speaker)
    plan = _fingerprint(sources, config)
    report_file, work = out / "prepare.json", out / ".packing"
    if (out / "metadata.jsonl").is_file():
        done = _read_json(report_file)
        if done.get("plan") == plan:
            return done
        if not report_file.is_file():
            raise CorpusError(f"{out} holds another corpus; choose another folder")
    _start(out, work, plan)
    rows: list[dict[str, Any]] = []
    left_out: list[dict[str, str]] = []
    place = number = 0
    while (finished := work / f"shard-{number}.json").is_file():
        kept = _read_json(finished)
        rows, left_out, place = rows + kept["rows"], left_out + kept["left_out"], kept["next"]
        number += 1
    while place < len(sources):
        shard = _shard(sources, place, out / f"shard-{number}.tar", number, config, on_item)
        _write_json(work / f"shard-{number}.json", shard)
        rows, left_out, place = rows + shard["rows"], left_out + shard["left_out"], shard["next"]
        number += 1
    broken = sum(r["reason"] == "unreadable" for r in left_out)
    if not rows or broken > config.most_unreadable * len(sources):
        first = next((r for r in left_out if r["reason"] == "unreadable"), None) or left_out[0]
        raise CorpusError(
            f"{folder}: {len(left_out)} of {len(sources)} recordings can't be used, the first is "
            f"{first['id']} ({first['detail'] or first['reason']}); see `corpus check`"
        )
    report = _report(plan, rows, left_out, config)
    _write_json(report_file, report)
    with atomic_file(out / "metadata.jsonl") as file:
        for row in rows:
            file.write((json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8"))
    shutil.rmtree(work)
    log.info("%s: %d utterances, %.2f h", out, len(rows), report["hours"])
    return report


def choose_sources(sources: list[CorpusRecording], most: int) -> list[CorpusRecording]:
    """At most `most` recordings of each speaker (0: all), in the order they have."""
    if not most:
        return sources
    by_speaker: dict[str, list[CorpusRecording]] = {}
    for source in sources:
        by_speaker.setdefault(source.speaker, []).append(source)
    ids = {
        own[place].id
        for own in by_speaker.values()
        for place in {round(p) for p in np.linspace(0, len(own) - 1, min(most, len(own)))}
    }
    return [source for source in sources if source.id in ids]


def _start(out: Path, work: Path, plan: str) -> None:
    """Make the folders; what another plan has left behind is dropped."""
    if work.is_dir() and _read_json(work / "plan.json").get("plan") != plan:
        shutil.rmtree(work)
    if not work.is_dir():
        work.mkdir(parents=True)
        for name in ("metadata.jsonl", "prepare.json"):
            (out / name).unlink(missing_ok=True)
        for shard in out.glob("shard-*.tar"):
            shard.unlink()
        _write_json(work / "plan.json", {"plan": plan})


def _shard(
    sources: Sequence[CorpusRecording],
    place: int,
    path: Path,
    number: int,
    config: PackConfig,
    on_item: OnItem | None,
) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    left_out: list[dict[str, str]] = []
    size = 0
    with atomic_file(path) as file, tarfile.open(fileobj=file, mode="w") as tar:
        while place < len(sources) and size < config.shard_mb * 1e6:
            packed = _pack(sources[place], config)
            place += 1
            if packed.reason:
                detail = {"id": packed.row["id"], "reason": packed.reason, "detail": packed.detail}
                left_out.append(detail)
            else:
                info = tarfile.TarInfo(f"{packed.row['id']}.flac")
                info.size = len(packed.flac)  # owner and time stay 0: equal input, equal bytes
                tar.addfile(info, io.BytesIO(packed.flac))
                rows.append({**packed.row, "shard": number})
                size += len(packed.flac)
            if on_item is not None:
                on_item(place, len(sources))
    return {"next": place, "rows": rows, "left_out": left_out}


def _pack(source: CorpusRecording, config: PackConfig) -> _Packed:
    row: dict[str, Any] = {**(source.row or {}), "id": source.id, "speaker": source.speaker}
    row["text"] = source.text
    if source.gender:
        row["gender"] = source.gender
    if not source.text:
        return _Packed(row, b"", "no text")
    try:
        audio = read_audio(source.data(), max_seconds=config.max_seconds)
        audio = clean(audio) if config.clean else audio
    except (AudioError, OSError) as error:
        return _Packed(row, b"", "unreadable", str(error))
    if audio.cut_at_limit or audio.seconds < config.min_seconds:
        return _Packed(row, b"", "too long" if audio.cut_at_limit else "too short")
    row["seconds"] = round(audio.seconds, 3)
    rate = min(audio.sample_rate_hz, config.rate_hz)
    return _Packed(row, _flac(resample(audio.samples, audio.sample_rate_hz, rate), rate), "")


def _flac(samples: FloatArray, rate_hz: int) -> bytes:
    buffer = io.BytesIO()
    whole = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
    soundfile.write(buffer, whole, rate_hz, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def _report(
    plan: str, rows: list[dict[str, Any]], left_out: list[dict[str, str]], config: PackConfig
) -> dict[str, Any]:
    return {
        "plan": plan,
        "config": asdict(config),
        "utterances": len(rows),
        "speakers": len({r["speaker"] for r in rows}),
        "hours": round(sum(r["seconds"] for r in rows) / 3600.0, 4),
        "left_out": left_out,
    }


def _fingerprint(sources: Sequence[CorpusRecording], config: PackConfig) -> str:
    """A hash of all that decides what the packed corpus holds."""
    settings = asdict(config)
    if not config.most_per_speaker:  # corpora that were packed before there was a choice stay good
        del settings["most_per_speaker"]
    if not config.clean:
        del settings["clean"]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for s in sources:
        stat = s.audio.stat()
        facts = [s.id, s.speaker, s.text, s.gender, s.offset, s.size]
        facts += [stat.st_size, stat.st_mtime_ns]
        digest.update(json.dumps(facts).encode())
    return digest.hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_json(path: Path, value: Any) -> None:
    with atomic_file(path) as file:
        file.write(json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8"))
