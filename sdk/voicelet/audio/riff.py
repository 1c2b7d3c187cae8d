"""The chunks of a WAV file, looked through before the decoder sees them.

libsndfile (1.2) never returns from some files whose chunks claim more than there is.  So every
chunk before the samples has to fit into the file, and those of a list into the list; what
stands behind the samples isn't shown to the decoder.
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

from voicelet.errors import AudioError

_KINDS = {b"RIFF": "<", b"RIFX": ">", b"RF64": "<"}
_MOST_CHUNKS = 10_000
_REMEDY = "export it again as a plain WAV or FLAC file"


def samples_end(stream: BinaryIO, name: str) -> int | None:
    """Where the samples of a WAV file end; None for other files, and where they end with the file.

    Args:
        stream: it can seek; where it stands isn't kept.
        name: of the file, for the error.

    Raises:
        AudioError: a chunk is longer than the file, or than the list that it is in.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    head = stream.read(12)
    if len(head) < 12 or head[:4] not in _KINDS or head[8:] != b"WAVE":
        return None
    order, place = _KINDS[head[:4]], 12
    for _ in range(_MOST_CHUNKS):
        stream.seek(place)
        chunk = stream.read(8)
        if len(chunk) < 8:
            raise AudioError(f"{name} holds no samples; {_REMEDY}")
        kind, length = chunk[:4], struct.unpack(order + "I", chunk[4:])[0]
        end = place + 8 + length
        if kind == b"data":
            # A recorder that was cut off, or wrote into a pipe, leaves a length of its own making.
            return None if end >= size else end
        if end > size:
            raise AudioError(f"{name} is damaged: the chunk {kind!r} is longer than it; {_REMEDY}")
        if kind == b"LIST":
            _check_list(stream, place + 12, end, order, name)
        place = end + length % 2
    raise AudioError(f"{name} has too many chunks; {_REMEDY}")


def _check_list(stream: BinaryIO, place: int, end: int, order: str, name: str) -> None:
    while place + 8 <= end:
        stream.seek(place + 4)
        (length,) = struct.unpack(order + "I", stream.read(4))
        if place + 8 + length > end:
            raise AudioError(f"{name} is damaged: what it says of itself doesn't fit; {_REMEDY}")
        place += 8 + length + length % 2
