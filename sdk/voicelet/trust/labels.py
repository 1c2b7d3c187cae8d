"""Labels of synthetic speech: in the metadata of a file, and aloud for its listener.

Every label says "synthetic" in the file's own metadata, with provider, system, version, time and a
unique identifier; where a law wants more, a region adds it:

| region    | adds                                                                                 |
|-----------|--------------------------------------------------------------------------------------|
| `default` | nothing                                                                              |
| `eu`      | the statement of EU AI Act Art. 50(2), machine-readable                              |
| `us-ca`   | the latent disclosure of California's SB 942 (Bus. & Prof. Code § 22757.3(b))        |
| `cn`      | the `AIGC` field of GB 45438-2025, annex E, and its audible cue before the speech:   |
|           | "short long, short short", the Morse letters A I                                     |
| `none`    | no metadata at all; the watermark in the samples stays                               |
"""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet import __version__
from voicelet.audio.riff import samples_end
from voicelet.config import did_you_mean
from voicelet.errors import AudioError, ConfigError
from voicelet.trust.watermark.mark import is_marking, now_s

REGIONS = ("default", "eu", "us-ca", "cn", "none")
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's word for "made by a trained model", which C2PA uses, too."""
DISCLAIMER = "The following speech was made by a computer."
MAX_PROVIDER = 120
_RULES = {
    "eu": "EU AI Act Art. 50(2)",
    "us-ca": "California SB 942 latent disclosure",
    "cn": "GB 45438-2025",
}
_CUE_HZ, _CUE_PEAK = 880.0, 0.1
_SHORT_S, _LONG_S, _GAP_S, _LETTER_GAP_S, _AFTER_S = 0.1, 0.3, 0.1, 0.3, 0.4
_RAMP_S = 0.005


@dataclass(frozen=True)
class Label:
    """What one file says of itself.

    Attributes:
        region: one of `REGIONS`.
        provider: who answers for the speech: a product or a company, 1 to 120 characters.
        voice: the bundle that spoke; never a person.
        created: UTC, ISO 8601.
        id: unique to the file.
        system, version: of the software.

    Raises:
        ConfigError: no such region, or no name for a provider.
    """

    region: str = "default"
    provider: str = "voicelet"
    voice: str = ""
    created: str = field(default_factory=lambda: _now())
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    system: str = "voicelet"
    version: str = __version__

    def __post_init__(self) -> None:
        check_region(self.region)
        fits = isinstance(self.provider, str) and 0 < len(self.provider.strip()) <= MAX_PROVIDER
        if not fits or not self.provider.isprintable():
            raise ConfigError(
                f"a provider has a name of 1 to {MAX_PROVIDER} printable characters, not"
                f" {self.provider!r:.40}"
            )

    @classmethod
    def of_settings(
        cls, region: str | None = None, provider: str | None = None, voice: str = ""
    ) -> Label:
        """A new label; what isn't given is taken from `VOICELET_LABEL` and `VOICELET_PROVIDER`.

        Raises:
            ConfigError: as of the class.
        """
        region = region or os.environ.get("VOICELET_LABEL") or "default"
        provider = provider or os.environ.get("VOICELET_PROVIDER") or "voicelet"
        return cls(region, provider, voice)

    def facts(self) -> dict[str, Any]:
        """The label as plain data; what `read_label` gives back."""
        fields: dict[str, Any] = {
            "synthetic": True,
            "statement": "This audio was artificially generated.",
            "provider": self.provider,
            "system": self.system,
            "version": self.version,
            "created": self.created,
            "id": self.id,
            "digital_source_type": SOURCE_TYPE,
            "watermarked": is_marking(),  # False in research builds alone
        }
        if self.voice:
            fields["voice"] = self.voice
        if self.region in _RULES:
            fields["label"] = _RULES[self.region]
        if self.region == "cn":
            fields["AIGC"] = {
                "Label": "1",  # 1: it is generated; 2: it may be; 3: it is suspected to be
                "ContentProducer": self.provider,
                "ProduceID": self.id,
                "ReservedCode1": "",
                "ContentPropagator": self.provider,
                "PropagateID": self.id,
                "ReservedCode2": "",
            }
        return fields

    def tags(self) -> dict[str, str]:
        """For `AudioWriter`: names of the fields that WAV, FLAC, Ogg and MP3 share → text."""
        if self.region == "none":
            return {}
        return {
            "title": "Synthetic speech (AI-generated)",
            "artist": _ascii(self.provider),
            "software": f"{self.system} {self.version}",
            "date": self.created,
            "genre": "Speech",
            # ASCII: ID3 of libsndfile says Latin-1 whatever it holds.
            "comment": json.dumps(self.facts(), separators=(",", ":"), ensure_ascii=True),
        }

    def cue(self, sample_rate_hz: int) -> npt.NDArray[np.float32]:
        """The sound to play before the speech, float32 [n]; only `cn` has one, else it is empty."""
        if self.region != "cn":
            return np.zeros(0, np.float32)
        return rhythm_cue(sample_rate_hz)


def check_region(region: str) -> None:
    """Raise unless it is one of `REGIONS`.

    Raises:
        ConfigError: it isn't; the nearest is named.
    """
    if region not in REGIONS:
        near = did_you_mean(str(region), REGIONS)
        raise ConfigError(f"no label {region!r}{near}; there are {', '.join(REGIONS)}")


def rhythm_cue(sample_rate_hz: int) -> npt.NDArray[np.float32]:
    """The audible cue of GB 45438-2025: ·– ··, tones of 880 Hz, then a rest; 1.5 s in all.

    Returns:
        float32 [n], peak 0.1.
    """

    def tone(seconds: float) -> npt.NDArray[np.float64]:
        t = np.arange(round(seconds * sample_rate_hz)) / sample_rate_hz
        edge = np.minimum(t, seconds - t).clip(0.0) / _RAMP_S
        wave: npt.NDArray[np.float64] = np.sin(2.0 * np.pi * _CUE_HZ * t) * edge.clip(0.0, 1.0)
        return _CUE_PEAK * wave

    def rest(seconds: float) -> npt.NDArray[np.float64]:
        return np.zeros(round(seconds * sample_rate_hz))

    short, long, gap = tone(_SHORT_S), tone(_LONG_S), rest(_GAP_S)
    parts = [short, gap, long, rest(_LETTER_GAP_S), short, gap, short, rest(_AFTER_S)]
    return np.concatenate(parts).astype(np.float32)


def read_label(path: str | os.PathLike[str]) -> dict[str, object] | None:
    """The label in a file, as plain data; None where it has none that voicelet wrote.

        read_label("morning.flac")["provider"]

    Anybody can write or remove metadata: it is information, not proof; the watermark and the
    content credentials are harder to forge.

    Raises:
        AudioError: the file can't be read as audio.
    """
    import soundfile

    try:
        with open(path, "rb") as raw:
            samples_end(raw, repr(os.fspath(path)))
        with soundfile.SoundFile(os.fspath(path)) as file:
            comment = file.comment
    except (soundfile.SoundFileError, RuntimeError, OSError, TypeError, ValueError) as error:
        raise AudioError(f"{os.fspath(path)!r} can't be read as audio ({error})") from None
    try:
        facts = json.loads(comment)
    except (ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) and facts.get("synthetic") is True else None


def _now() -> str:
    now = datetime.fromtimestamp(now_s(), timezone.utc)
    return now.isoformat(timespec="seconds").replace("+00:00", "Z")


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")
