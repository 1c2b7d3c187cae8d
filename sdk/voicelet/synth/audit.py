"""Every utterance is recorded in this device's audit log: duration, voice, consent.

The text and the name aren't stored, only keyed hashes of them
(`voicelet.trust.audit.device_log`).
"""

from __future__ import annotations

from collections.abc import Iterator

from voicelet.synth.types import Chunk, Speaker
from voicelet.trust.audit.device_log import note


def audited(
    chunks: Iterator[Chunk],
    text: str | None,
    profile: Speaker | None,
    preset: str | None,
    voice: str,
) -> Iterator[Chunk]:
    """Pass chunks on and write an audit record when the stream ends or is closed early.

    Args:
        text: what is spoken, if it is known.
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
            note_use("use", samples / rate, text, profile, preset, voice)


def note_use(
    event: str,
    seconds: float,
    text: str | None,
    profile: Speaker | None,
    preset: str | None,
    voice: str,
) -> None:
    """Write an audit record of what a voice was used for.

    Args:
        event: "use", or "explain".
        seconds: how long the speech is.
        text, profile, preset, voice: see :func:`audited`.
    """
    facts: dict[str, str | float] = {"seconds": round(seconds, 3), "voice": voice}
    identifiers = {
        "profile": getattr(profile, "name", None),
        "consent": getattr(getattr(profile, "consent", None), "id", None),
        "preset": preset,
        "text": text,
    }
    facts.update({k: v for k, v in identifiers.items() if isinstance(v, str)})
    note(event, **facts)
