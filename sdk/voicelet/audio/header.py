"""What a WAV header promises: libsndfile quietly shortens a file that was cut off."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

# Programs that write to a pipe can't go back to fill in the size; these are their placeholders.
_OPEN_ENDED = {0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF}
_OPEN_ENDED_FROM = 0x7FFF0000  # ffmpeg and sox subtract the length of the header from them
_MAX_CHUNKS = 1000


@dataclass(frozen=True)
class WavPromise:
    """Attributes: `missing_bytes`, how much of the data chunk isn't there."""

    missing_bytes: int


def wav_promises(stream: BinaryIO) -> WavPromise | None:
    """Compare the data chunk's size with the file's; None if the file is no plain RIFF WAV.

    Args:
        stream: seekable; it is left anywhere.
    """
    stream.seek(0, os.SEEK_END)
    size = stream.tell()
    stream.seek(0)
    head = stream.read(12)
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    at = 12
    for _ in range(_MAX_CHUNKS):
        stream.seek(at)
        chunk = stream.read(8)
        if len(chunk) < 8:
            return None
        name, length = struct.unpack("<4sI", chunk)
        if name == b"data":
            if length in _OPEN_ENDED or length >= _OPEN_ENDED_FROM:
                return WavPromise(0)
            return WavPromise(max(0, at + 8 + length - size))
        at += 8 + length + length % 2
    return None
