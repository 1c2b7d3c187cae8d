"""Errors of building voices, below voicelet's own."""

from __future__ import annotations

from voicelet.errors import VoiceletError


class CorpusError(VoiceletError):
    """A training corpus is missing, unreadable or too small."""

    exit_code = 22
