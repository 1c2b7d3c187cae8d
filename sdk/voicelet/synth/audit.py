"""Every utterance leaves a line in this device's audit log: how long, whose voice, which consent.

The text itself isn't kept, nor the name: keyed hashes stand for them
(`voicelet.trust.audit.device_log`).
"""

from __future__ import annotations

from collections.abc import Iterator

from voicelet.synth.types import Chunk, Speaker
from voicelet.trust.audit.device_log import note


def noted(
    chunks: Iterator[Chunk],
    text: str | None,
    profile: Speaker | None,
    preset: str | None,
    voice: str,
) -> Iterator[Chunk]:
    """Pass chunks on; after the last one, or when the caller stops early, log what was heard.

    Args:
        text: what is spoken; None where only its phones are known.
        profile, preset: who speaks.
        voice: name of the bundle.
    """
    samples, rate = 0, 1
    try:
        for chunk in chunks:
            samples, rate = samples + len(chunk.samples), chunk.sample_rate_hz
            yield chunk
    finally:
        if samples:
            facts: dict[str, str | float] = {"seconds": round(samples / rate, 3), "voice": voice}
            optional = {
                "profile": getattr(profile, "name", None),
                "consent": getattr(getattr(profile, "consent", None), "id", None),
                "preset": preset,
                "text": text,
            }
            facts.update({k: v for k, v in optional.items() if isinstance(v, str)})
            note("use", **facts)
