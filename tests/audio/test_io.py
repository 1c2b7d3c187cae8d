"""Reading: every format, rate and channel count, and everything that isn't audio."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voicelet.audio.io import read_audio
from voicelet.errors import AudioError

RATE = 16000


def tone(seconds: float = 1.0, rate_hz: int = RATE, tone_hz: float = 300.0) -> np.ndarray:
    """A tone that comes and goes, as speech does."""
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    return 0.5 * np.sin(2 * np.pi * tone_hz * t) * (np.sin(2 * np.pi * 3 * t) > 0)


def encode(wave: np.ndarray, rate_hz: int, container: str, codec: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, wave, rate_hz, format=container, subtype=codec)
    return file.getvalue()


@pytest.mark.parametrize(
    ("container", "codec", "tolerance"),
    [
        ("WAV", "PCM_U8", 5e-3),
        ("WAV", "PCM_16", 2e-5),
        ("WAV", "PCM_24", 1e-6),
        ("WAV", "PCM_32", 1e-6),
        ("WAV", "FLOAT", 1e-6),
        ("WAV", "DOUBLE", 1e-6),
        ("WAV", "ULAW", 1e-2),
        ("WAV", "ALAW", 1e-2),
        ("WAV", "GSM610", 0.1),
        ("WAVEX", "PCM_16", 2e-5),
        ("FLAC", "PCM_16", 2e-5),
        ("FLAC", "PCM_24", 1e-6),
        ("OGG", "VORBIS", 3e-2),
        ("OGG", "OPUS", 3e-2),
        ("MP3", "MPEG_LAYER_III", 3e-2),
        ("AIFF", "PCM_16", 2e-5),
    ],
)
def test_formats(container: str, codec: str, tolerance: float) -> None:
    wave = tone()
    audio = read_audio(encode(wave, RATE, container, codec))
    assert audio.samples.dtype == np.float32
    assert audio.sample_rate_hz == RATE
    assert audio.source_format == f"{container}/{codec}"
    assert abs(len(audio.samples) - len(wave)) < 400
    n = min(len(wave), len(audio.samples))
    assert np.sqrt(np.mean((audio.samples[:n] - wave[:n]) ** 2)) < tolerance
    assert audio.clipped_fraction == 0.0


@pytest.mark.parametrize("rate_hz", [8000, 11025, 22050, 44100, 48000, 96000, 192000])
def test_rates_come_out_as_asked(rate_hz: int) -> None:
    audio = read_audio(encode(tone(1.0, rate_hz), rate_hz, "WAV", "FLOAT"), sample_rate_hz=24000)
    assert (audio.sample_rate_hz, audio.source_rate_hz) == (24000, rate_hz)
    want = tone(1.0, 24000)
    assert np.corrcoef(audio.samples, want)[0, 1] > 0.999


def test_a_silent_channel_does_not_halve_the_level() -> None:
    wave = tone()
    stereo = np.stack([np.zeros_like(wave), wave], axis=1)
    audio = read_audio(encode(stereo, RATE, "WAV"))
    assert (audio.n_channels, audio.channel) == (2, 1)
    np.testing.assert_allclose(audio.samples, wave, atol=1e-4)


def test_opposite_channels_do_not_cancel() -> None:
    wave = tone()
    audio = read_audio(encode(np.stack([wave, -wave], axis=1), RATE, "WAV"))
    assert np.abs(audio.samples).max() > 0.45


def test_of_eight_channels_the_voice_is_taken() -> None:
    rng = np.random.default_rng(1)
    wave = tone(3.0)
    channels = [0.3 * rng.standard_normal(len(wave)) for _ in range(3)]  # loud hiss
    channels += [0.05 * wave, np.zeros_like(wave), wave, 0.1 * wave, np.full_like(wave, 0.5)]
    audio = read_audio(encode(np.stack(channels, axis=1).clip(-1, 1), RATE, "FLAC"))
    assert (audio.n_channels, audio.channel) == (8, 5)


@pytest.mark.parametrize("gain", [1.0, 0.4])
def test_clipping_is_found_even_when_turned_down(gain: float) -> None:
    wave = np.clip(3.0 * tone(2.0), -1.0, 1.0)
    flat = np.mean(np.abs(wave) == 1.0)
    audio = read_audio(encode(gain * wave, RATE, "WAV"), sample_rate_hz=24000)
    assert audio.clipped_fraction == pytest.approx(flat, rel=0.05)


def test_clipping_survives_lossy_coding() -> None:
    wave = np.clip(4.0 * tone(2.0), -1.0, 1.0)
    assert read_audio(encode(wave, RATE, "OGG", "VORBIS")).clipped_fraction > 0.02


def test_only_the_first_seconds_of_a_long_file_are_read() -> None:
    audio = read_audio(encode(tone(20.0), RATE, "FLAC"), max_seconds=5.0)
    assert audio.seconds == 5.0
    assert audio.cut_at_limit


def test_paths_bytes_files_and_streams(tmp_path: Path) -> None:
    data = encode(tone(), RATE, "WAV")
    path = tmp_path / "mon été \udcff.wav"  # not even valid UTF-8
    try:
        path.write_bytes(data)
    except (OSError, UnicodeError):
        path = tmp_path / "a.wav"
        path.write_bytes(data)

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self._inner = io.BytesIO(data)

        def read(self, size: int = -1) -> bytes:
            return self._inner.read(size)

    with path.open("rb") as file:
        file.seek(17)
        results = [read_audio(s) for s in (path, str(path), data, file, Pipe())]
    for audio in results:
        np.testing.assert_array_equal(audio.samples, results[0].samples)


def test_not_a_number_becomes_silence_and_integer_scale_is_undone() -> None:
    wave = tone().astype(np.float32)
    wave[100], wave[200] = np.nan, np.inf
    audio = read_audio(encode(wave, RATE, "WAV", "FLOAT"))
    assert np.isfinite(audio.samples).all()
    assert audio.samples[100] == audio.samples[200] == 0.0
    audio = read_audio(encode(tone() * 32768, RATE, "WAV", "FLOAT"))
    assert np.abs(audio.samples).max() == pytest.approx(1.0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"RIFF",
        b"RIFF\xff\xff\xff\xffWAVE",
        b"ID3" + bytes(200),
        b"OggS" + bytes(200),
        b"fLaC" + bytes(200),
        b"\x7fELF" + bytes(5000),
        b"%PDF-1.7\n" + b"lorem ipsum " * 500,
        "Привет, это текст. ".encode() * 400,
        bytes(100_000),
        encode(np.zeros(0), RATE, "WAV"),
    ],
    ids=lambda data: repr(data[:8]),
)
def test_what_is_not_audio(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    for source in (path, data):
        with pytest.raises(AudioError) as caught:
            read_audio(source)
        assert "object at 0x" not in str(caught.value)


@pytest.mark.parametrize("container", ["WAV", "FLAC"])
def test_cut_short(container: str) -> None:
    data = encode(tone(5.0), RATE, container)
    with pytest.raises(AudioError, match=r"cut short|decoded"):
        read_audio(data[: len(data) // 2])


def test_wav_from_a_pipe_has_no_length() -> None:
    data = bytearray(encode(tone(), RATE, "WAV"))
    at = data.index(b"data") + 4
    for size in (0xFFFFFFFF, 0x7FFFF000):
        data[at : at + 4] = struct.pack("<I", size)
        assert read_audio(bytes(data)).seconds == pytest.approx(1.0)


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_damaged_files_never_crash(container: str) -> None:
    rng = np.random.default_rng(7)
    data = encode(tone(0.5), RATE, container)
    for _ in range(25):
        broken = bytearray(data)
        for _ in range(int(rng.integers(1, 20))):
            broken[int(rng.integers(0, min(len(broken), 400)))] = int(rng.integers(0, 256))
        cut = int(rng.integers(1, len(broken)))
        for case in (bytes(broken), bytes(broken[:cut])):
            try:
                audio = read_audio(case, sample_rate_hz=24000, max_seconds=2.0)
            except AudioError:
                continue
            assert np.isfinite(audio.samples).all()
            assert audio.seconds <= 2.01


def test_random_bytes_never_crash() -> None:
    rng = np.random.default_rng(11)
    for _ in range(30):
        data = rng.integers(0, 256, 20000, dtype=np.uint8).tobytes()
        try:
            audio = read_audio(data)
        except AudioError:
            continue
        assert np.isfinite(audio.samples).all()


def test_places_that_hold_no_recording(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="folder"):
        read_audio(tmp_path)
    with pytest.raises(AudioError, match="no file"):
        read_audio(tmp_path / "absent.wav")
    with pytest.raises(AudioError, match="device or a pipe"):
        read_audio("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AudioError, match="device or a pipe"):
        read_audio(tmp_path / "pipe")
    with pytest.raises(AudioError):
        read_audio("a\0b.wav")
    with pytest.raises(AudioError, match="path, bytes or a file"):
        read_audio(3.5)  # type: ignore[arg-type]
    with pytest.raises(AudioError, match="rb"):
        read_audio(io.StringIO("text"))  # type: ignore[arg-type]


def test_raw_suffix_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "voice.raw"
    path.write_bytes(encode(tone(), RATE, "WAV"))
    assert read_audio(path).source_format == "WAV/PCM_16"
    path.write_bytes(np.zeros(5000, "<i2").tobytes())
    with pytest.raises(AudioError, match="not audio"):
        read_audio(path)
