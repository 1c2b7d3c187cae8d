"""What the attributes of SSML mean, in numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from voicelet.errors import SsmlError
from voicelet.text.words import Emphasis, Prosody

MAX_BREAK_MS = 10_000
SPEED_RANGE = (0.33, 3.0)
PITCH_RANGE_SEMITONES = (-12.0, 12.0)
ENERGY_RANGE = (0.0, 4.0)

_STRENGTH_MS = {
    "none": 0,
    "x-weak": 50,
    "weak": 100,
    "medium": 250,
    "strong": 500,
    "x-strong": 1000,
}
_RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.3, "x-fast": 1.7}
_PITCHES = {"x-low": -6.0, "low": -3.0, "medium": 0.0, "default": 0.0, "high": 3.0, "x-high": 6.0}
_VOLUMES = {"silent": 0.0, "x-soft": 0.35, "soft": 0.6, "medium": 1.0, "default": 1.0,
            "loud": 1.5, "x-loud": 2.0}  # fmt: skip
_EMPHASIS: dict[str, Emphasis] = {
    "none": "none", "reduced": "reduced", "moderate": "moderate", "strong": "strong"
}  # fmt: skip

_TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,8}")
_TIME = re.compile(r"\+?([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s)")
_QUANTITY = re.compile(r"([+-]?)([0-9]{1,6}(?:\.[0-9]{1,6})?)(%|st|dB|Hz|)", re.IGNORECASE)


def break_ms(attributes: Mapping[str, str]) -> int:
    """The length of <break>, at most :data:`MAX_BREAK_MS`; without attributes a medium one.

    Raises:
        SsmlError: the time or the strength can't be read.
    """
    if "time" in attributes:
        match = _TIME.fullmatch(attributes["time"].strip())
        if not match:
            raise SsmlError(f"break time {attributes['time'][:40]!r}: write '500ms' or '1.5s'")
        value = float(match[1]) * (1000 if match[2] == "s" else 1)
        return round(min(value, MAX_BREAK_MS))
    strength = attributes.get("strength", "medium").strip().lower()
    if strength not in _STRENGTH_MS:
        options = ", ".join(_STRENGTH_MS)
        raise SsmlError(f"break strength {strength[:40]!r}: use one of {options}")
    return _STRENGTH_MS[strength]


def language_tag(text: str) -> str | None:
    """The BCP 47 tag of `xml:lang`; None for an empty one, which takes back what holds outside.

    Raises:
        SsmlError: it isn't a tag.
    """
    tag = text.strip()
    if tag and not _TAG.fullmatch(tag):
        raise SsmlError(f"xml:lang {tag[:40]!r}: write a BCP 47 tag such as 'fr' or 'en-GB'")
    return tag or None


def emphasis_level(attributes: Mapping[str, str]) -> Emphasis:
    """The level of <emphasis>; moderate if none is given.

    Raises:
        SsmlError: an unknown level.
    """
    level = attributes.get("level", "moderate").strip().lower()
    if level not in _EMPHASIS:
        raise SsmlError(f"emphasis level {level[:40]!r}: use one of {', '.join(_EMPHASIS)}")
    return _EMPHASIS[level]


def prosody_of(attributes: Mapping[str, str]) -> Prosody:
    """Rate, pitch and volume of <prosody>, each clamped to its range; others are passed over.

    Rates: words, "80%", "+20%", or a factor ("1.2").  Pitches: words, "+2st", "-10%".  Volumes:
    words, "+6dB", "80" (of 100), "+10%".

    Raises:
        SsmlError: a value can't be read.
    """
    return Prosody(
        speed=_clamp(_rate(attributes.get("rate", "medium")), SPEED_RANGE),
        pitch_semitones=_clamp(_pitch(attributes.get("pitch", "medium")), PITCH_RANGE_SEMITONES),
        energy=_clamp(_volume(attributes.get("volume", "medium")), ENERGY_RANGE),
    )


def combine(outer: Prosody, inner: Prosody) -> Prosody:
    """The prosody of an element inside another: factors multiply, shifts add, then clamp."""
    return Prosody(
        speed=_clamp(outer.speed * inner.speed, SPEED_RANGE),
        pitch_semitones=_clamp(
            outer.pitch_semitones + inner.pitch_semitones, PITCH_RANGE_SEMITONES
        ),
        energy=_clamp(outer.energy * inner.energy, ENERGY_RANGE),
    )


def _clamp(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])


def _quantity(name: str, text: str, words: Mapping[str, float], units: tuple[str, ...]) -> (
    tuple[str, float, str] | float
):  # fmt: skip
    text = text.strip()
    if text.lower() in words:
        return words[text.lower()]
    match = _QUANTITY.fullmatch(text)
    if not match or match[3].lower() not in units:
        options = ", ".join(words)
        raise SsmlError(
            f"prosody {name} {text[:40]!r}: use one of {options}, or a value like '+10%'"
        )
    return match[1], float(match[2]), match[3].lower()


def _factor(sign: str, value: float) -> float:
    """ "+20" is 1.2, "-20" is 0.8, "80" is 0.8."""
    return 1.0 + (value if sign == "+" else -value) / 100.0 if sign else value / 100.0


def _rate(text: str) -> float:
    quantity = _quantity("rate", text, _RATES, ("%", ""))
    if isinstance(quantity, float):
        return quantity
    sign, value, unit = quantity
    return _factor(sign, value) if unit == "%" or sign else value


def _pitch(text: str) -> float:
    quantity = _quantity("pitch", text, _PITCHES, ("%", "st"))
    if isinstance(quantity, float):
        return quantity
    sign, value, unit = quantity
    if unit == "st":
        return -value if sign == "-" else value
    # A change of pitch is relative in SSML: "10%" without a sign counts as +10 %.
    return 12.0 * math.log2(max(_factor(sign or "+", value), 0.05))


def _volume(text: str) -> float:
    quantity = _quantity("volume", text, _VOLUMES, ("%", "db", ""))
    if isinstance(quantity, float):
        return quantity
    sign, value, unit = quantity
    if unit == "db":
        return float(10.0 ** (min(value, 60.0) * (-1 if sign == "-" else 1) / 20.0))
    return _factor(sign, value)
