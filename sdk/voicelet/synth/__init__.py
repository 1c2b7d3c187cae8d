"""Synthesis: clauses and a speaker in, audio out, streamed."""

from __future__ import annotations

from voicelet.synth.options import SpeechOptions
from voicelet.synth.types import Audio, Chunk, Controls, MarkTiming, WordTiming
from voicelet.synth.voice import Voice, VoiceInfo, join

__all__ = [
    "Audio",
    "Chunk",
    "Controls",
    "MarkTiming",
    "SpeechOptions",
    "Voice",
    "VoiceInfo",
    "WordTiming",
    "join",
]
