"""WAV files whose chunks claim more than there is: refused before the decoder hangs on them."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet.audio.io import read_audio
from voicelet.audio.riff import samples_end
from voicelet.errors import AudioError
from voicelet.trust.labels import read_label

SAMPLES = (np.sin(np.arange(8000) / 5.0) * 8000).astype("<i2").tobytes()
FORMAT = (b"fmt ", struct.pack("<HHIIHH", 1, 1, 16000, 32000, 2, 16))
# Found by fuzzing: libsndfile 1.2.2 reads its list for ever.
ENDLESS = bytes.fromhex(
    "524946468c06000057415645666d74201000000001000100293e0000007d0000020010004c49535420000000"
    "494e464f49434dffffffffffffffffffefffffffffffffffffffffffffffffffffffffffffffffffffffffff"
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff80"
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff5414ffffffffffffffffffff"
    "ffffffffffffffffffffffffffffffffffffffffff000000450000"
)


def wav(*chunks: tuple[bytes, bytes], lengths: dict[bytes, int] | None = None) -> bytes:
    body = b"WAVE"
    for kind, content in chunks:
        length = (lengths or {}).get(kind, len(content))
        body += kind + struct.pack("<I", length) + content + b"\0" * (len(content) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_a_file_that_the_decoder_never_returns_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="doesn't fit|damaged"):
        read_audio(ENDLESS)
    path = tmp_path / "x.wav"
    path.write_bytes(ENDLESS)
    with pytest.raises(AudioError, match="export it again"):
        read_label(path)


def test_sound_files_are_read_as_before() -> None:
    plain = wav(FORMAT, (b"data", SAMPLES))
    expected = read_audio(plain).samples
    info = b"INFOICMT" + struct.pack("<I", 3) + b"abc\0"
    for same in (
        wav(FORMAT, (b"LIST", info), (b"data", SAMPLES)),
        wav(FORMAT, (b"junk", b"odd"), (b"data", SAMPLES), (b"LIST", info)),
        plain + b"what some programs leave behind" + b"\xff" * 64,  # isn't looked at
        wav(FORMAT, (b"data", SAMPLES), lengths={b"data": 0xFFFFFFFF}),  # written into a pipe
    ):
        np.testing.assert_array_equal(read_audio(same).samples, expected)


@pytest.mark.parametrize("kind", [b"LIST", b"junk", b"fact"])
def test_chunks_longer_than_the_file_are_refused(kind: bytes) -> None:
    damaged = wav(FORMAT, (kind, b"INFO"), (b"data", SAMPLES), lengths={kind: 1 << 30})
    with pytest.raises(AudioError, match="longer than it"):
        read_audio(damaged)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_have_an_end_or_a_named_error(data: bytes) -> None:
    stream = io.BytesIO(b"RIFF\0\0\0\0WAVE" + data)
    try:
        end = samples_end(stream, "it")
    except AudioError as error:
        assert "it " in str(error)
    else:
        assert end is None or 12 < end <= len(data) + 12
