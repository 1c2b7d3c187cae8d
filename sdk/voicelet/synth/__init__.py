"""Synthesis: clauses and a speaker in, audio out, streamed."""

from __future__ import annotations

from voicelet.synth.types import Audio, Chunk, Controls, MarkTiming, WordTiming
from voicelet.synth.voice import Voice, VoiceInfo, join

__all__ = [
    "Audio",
    "Chunk",
    "Controls",
    "MarkTiming",
    "Voice",
    "VoiceInfo",
    "WordTiming",
    "join",
]
