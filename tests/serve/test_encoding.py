"""Files that are sent while they are made, read by somebody else's reader."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from voicelet.errors import ConfigError
from voicelet.serve.encoding import FORMATS, SAMPLE_RATES_HZ, open_encoder, ulaw, wav_header

RATE = 24000
TONE_HZ = 500
WAVE = (0.4 * np.sin(2 * np.pi * TONE_HZ * np.arange(2 * RATE) / RATE)).astype(np.float32)
TAGS = {"title": "Synthetic speech", "comment": '{"synthetic": true}'}


def encoded(name: str, rate_hz: int | None = None, tags: dict[str, str] | None = None) -> bytes:
    encoder = open_encoder(name, RATE, rate_hz, tags)
    parts = [encoder.push(WAVE[i : i + 3000]) for i in range(0, len(WAVE), 3000)]
    assert sum(map(len, parts[:-2])) > 0, "nothing is sent before the end"
    return b"".join(parts) + encoder.finish()


def decoded(name: str, raw: bytes, rate_hz: int) -> np.ndarray:
    if name == "pcm":
        return np.frombuffer(raw, "<i2") / 32768
    if name == "ulaw":
        kind = {"format": "RAW", "subtype": "ULAW", "channels": 1, "samplerate": rate_hz}
        return soundfile.read(io.BytesIO(raw), **kind)[0]
    if name == "flac":
        raw = with_flac_length(raw, 2 * rate_hz)
    with soundfile.SoundFile(io.BytesIO(raw)) as file:
        assert file.samplerate == rate_hz
        return np.concatenate([block.copy() for block in file.blocks(4096)])


def with_flac_length(raw: bytes, samples: int) -> bytes:
    """A FLAC stream says that its length isn't known; soundfile can't read on from that."""
    assert raw[:4] == b"fLaC" and raw[21] & 0x0F == 0 and raw[22:26] == bytes(4)
    return raw[:22] + samples.to_bytes(4, "big") + raw[26:]


@pytest.mark.parametrize("rate_hz", [None, *SAMPLE_RATES_HZ])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_at_every_rate_is_the_same_sound(name: str, rate_hz: int | None) -> None:
    if name == "opus" and rate_hz in (22050, 44100):
        with pytest.raises(ConfigError, match="Opus has no sample rate"):
            open_encoder(name, RATE, rate_hz)
        return
    real_hz = rate_hz or (8000 if name == "ulaw" else RATE)
    heard = decoded(name, encoded(name, rate_hz, TAGS), real_hz)
    slack_s = 0.25 if name == "mp3" else 0.01  # an MP3 has whole frames, and some before the first
    assert len(heard) / real_hz == pytest.approx(2.0, abs=slack_s)
    middle = heard[real_hz // 2 : real_hz // 2 + real_hz]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert spectrum.argmax() == pytest.approx(TONE_HZ, abs=2)
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.4 / np.sqrt(2), rel=0.08)


@pytest.mark.parametrize("name", ["mp3", "flac", "opus", "wav"])
def test_files_say_that_they_are_synthetic(name: str) -> None:
    with soundfile.SoundFile(io.BytesIO(encoded(name, None, TAGS))) as file:
        assert file.title == TAGS["title"]
        assert file.comment == TAGS["comment"]


def test_the_header_of_a_wav_says_no_length() -> None:
    header = wav_header(16000)
    assert len(header) == 44
    assert header[4:8] == header[40:44] == b"\xff\xff\xff\xff"


def test_ulaw_is_that_of_libsndfile() -> None:
    every = np.arange(-32768, 32768, dtype=np.int16)
    heard = decoded("ulaw", ulaw(every), 8000) * 32768
    step = np.maximum(8, np.abs(every.astype(np.float64)) / 16)
    assert (np.abs(heard - every) <= step).all()
    assert ulaw(np.array([0, -32768, 32767], np.int16)) == b"\xff\x00\x80"


@pytest.mark.parametrize(
    ("name", "rate_hz", "message"),
    [("mp4", None, "no format"), ("flacc", None, "flac"), ("wav", 12345, "no sample rate")],
)
def test_what_there_is_not(name: str, rate_hz: int | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_encoder(name, RATE, rate_hz)
