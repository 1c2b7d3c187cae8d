"""The JSON that comes with a Piper voice: what its graph was trained on, and how it is run."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from voicelet.bundle import Bundle
from voicelet.bundle.store import read_data
from voicelet.errors import BundleError

ARCHITECTURE = "piper-vits"
CONFIG_ROLE = "piper"
"""Data role under which an imported bundle keeps the JSON."""
MAX_CONFIG_BYTES = 4 << 20
MAX_SPEAKERS = 100_000
PHONEME_TYPES = ("espeak", "text")
_TAG = re.compile(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*")


@dataclass(frozen=True)
class PiperConfig:
    """A voice's JSON, checked.

    Attributes:
        name: "en_US-joe-medium": language, data set and quality, as far as they are known.
        language: BCP 47 tag.
        sample_rate_hz: of the samples that come out.
        noise_scale, noise_w: how far latents and durations are drawn from their means.
        length_scale: factor of all durations.
        phoneme_type: "espeak" (IPA as eSpeak writes it) or "text" (characters).
        id_map: phoneme → its ids.
        speakers: name → id; empty for a voice of one speaker.
    """

    name: str
    language: str
    sample_rate_hz: int
    noise_scale: float
    noise_w: float
    length_scale: float
    phoneme_type: str
    id_map: dict[str, tuple[int, ...]]
    speakers: dict[str, int]

    @property
    def is_english(self) -> bool:
        """Whether voicelet's own front end can speak for it."""
        return self.phoneme_type == "espeak" and self.language.split("-")[0].lower() == "en"


def parse_config(raw: bytes, where: str) -> PiperConfig:
    """Read and check a Piper voice's JSON.

    Args:
        where: names the file in messages.

    Raises:
        BundleError: it isn't one, or says something impossible.
    """
    try:
        data = json.loads(raw.decode("utf-8-sig"))
        if not isinstance(data, dict):
            raise ValueError("it isn't an object")
        return _read(data)
    except (ValueError, RecursionError) as error:
        raise BundleError(
            f"{where}: not the JSON of a Piper voice ({error}); fetch the .onnx.json that belongs "
            "to the voice"
        ) from None


def read_config(bundle: Bundle) -> PiperConfig:
    """The JSON that an imported bundle keeps.

    Raises:
        BundleError: the bundle holds none, or it is damaged.
    """
    raw = read_data(bundle, CONFIG_ROLE, MAX_CONFIG_BYTES)
    return parse_config(raw, str(bundle.data_path(CONFIG_ROLE)))


def _read(data: dict[str, Any]) -> PiperConfig:
    audio, inference = _section(data, "audio"), _section(data, "inference")
    phoneme_type = data.get("phoneme_type", "espeak")
    if phoneme_type not in PHONEME_TYPES:
        raise ValueError(f"phoneme_type {phoneme_type!r} isn't one of {', '.join(PHONEME_TYPES)}")
    espeak = _section(data, "espeak") if "espeak" in data else {}
    language = _section(data, "language") if "language" in data else {}
    tag = str(language.get("code") or espeak.get("voice") or "und")
    if not _TAG.fullmatch(tag):
        raise ValueError(f"{tag[:20]!r} isn't a language")
    parts = (tag, str(data.get("dataset") or "voice"), str(audio.get("quality") or ""))
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(filter(None, parts)))[:64]
    return PiperConfig(
        name,
        tag.replace("_", "-"),
        int(_number(audio, "sample_rate", 8000, 192_000)),
        _number(inference, "noise_scale", 0.0, 10.0, 0.667),
        _number(inference, "noise_w", 0.0, 10.0, 0.8),
        _number(inference, "length_scale", 0.05, 20.0, 1.0),
        phoneme_type,
        _id_map(data.get("phoneme_id_map")),
        _speakers(data),
    )


def _section(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = data.get(name)
    if not isinstance(section, dict):
        raise ValueError(f"it has no {name!r}")
    return section


def _number(
    data: Mapping[str, Any], name: str, low: float, high: float, default: float | None = None
) -> float:
    value = data.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} is missing or not a number")
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{name} must lie between {low:g} and {high:g}, not {value}")
    return float(value)


def _index(value: Any, limit: int, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < limit:
        raise ValueError(f"{value!r} can't be the id of {what}")
    return value


def _id_map(value: Any) -> dict[str, tuple[int, ...]]:
    if not isinstance(value, dict) or not value or len(value) > 10_000:
        raise ValueError("it has no 'phoneme_id_map'")
    id_map = {}
    for symbol, ids in value.items():
        id_list = ids if isinstance(ids, list) else [ids]
        if len(id_list) > 16:
            raise ValueError(f"the phoneme {symbol!r} has too many ids")
        id_map[symbol] = tuple(_index(i, 1 << 16, f"the phoneme {symbol!r}") for i in id_list)
    return id_map


def _speakers(data: Mapping[str, Any]) -> dict[str, int]:
    count = data.get("num_speakers", 1)
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MAX_SPEAKERS:
        raise ValueError(f"num_speakers can't be {count!r}")
    if count <= 1:
        return {}
    named = data.get("speaker_id_map") or {str(i): i for i in range(count)}
    if not isinstance(named, dict):
        raise ValueError("speaker_id_map isn't an object")
    return {str(name): _index(i, count, f"the speaker {name!r}") for name, i in named.items()}
