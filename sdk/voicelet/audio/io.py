"""Reading audio files of any format, rate and channel count, with bounded memory.

libsndfile (through `soundfile`) decodes WAV, FLAC, Ogg Vorbis and Opus, MP3, AIFF, AU and CAF.
miniaudio is more permissive but reads no Opus, the format of most voice messages.  libsndfile is
LGPL and stays a shared library of its own, which its licence asks for; `docs/guides/enrolment.md`
says so to those who redistribute.
"""

from __future__ import annotations

import io
import math
import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from voicelet.audio.channels import ChannelScan
from voicelet.audio.features import FloatArray
from voicelet.audio.hum import Hum
from voicelet.audio.resample import Resampler
from voicelet.audio.riff import samples_end
from voicelet.audio.writer import AudioWriter, pcm16, write_wav
from voicelet.errors import AudioError

if TYPE_CHECKING:
    import soundfile


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
        stream: seekable; its position afterwards is undefined.
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


__all__ = ["DecodedAudio", "AudioSource", "AudioWriter", "pcm16", "read_audio", "write_wav"]

AudioSource = str | os.PathLike[str] | bytes | BinaryIO

MIN_RATE_HZ, MAX_RATE_HZ = 4000, 768_000
MAX_CHANNELS = 64
MAX_STREAM_BYTES = 512 << 20  # of a source that isn't seekable
_BLOCK_VALUES = 1 << 18  # values decoded at once, over all channels
_CONTAINERS = {"WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF", "NIST"}
_LOSSY = {"VORBIS", "OPUS", "MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III"}
_COARSE = {"PCM_U8", "PCM_S8", "ULAW", "ALAW"}  # equal neighbours are common, clipped or not
_LARGEST = 2.0**31
_WRONG_SCALE = 4.0  # a peak no honest float file has
_EXPORT = "export it again as WAV or FLAC"


@dataclass(frozen=True)
class Faults:
    """What was in a recording beside the voice and the room.

    Attributes:
        offset: mean of the samples; 1 is full scale.
        hum: of mains, None if there was none.
        rumble_dbfs: RMS level of what else lay below 60 Hz.
        clicks: how many there are; they are left in.
    """

    offset: float
    hum: Hum | None
    rumble_dbfs: float
    clicks: int


@dataclass(frozen=True)
class DecodedAudio:
    """A decoded recording.

    Attributes:
        samples: float32 [n], mono, finite, nominally in [-1, 1].
        sample_rate_hz: rate of `samples`.
        source_rate_hz: rate of the file.
        n_channels: channels of the file.
        channel: which of them `samples` are (see :mod:`voicelet.audio.channels`).
        source_format: container and codec, such as "FLAC/PCM_24".
        clipped_fraction: part of that channel's samples that lie in flattened peaks, measured
            at the file's own rate.
        cut_at_limit: whether the file goes on after the seconds that were asked for.
        faults: what `voicelet.audio.source.clean` took out or found; None before that.
        uncleaned: the samples before that, None if these are they.  For detectors of synthetic
            speech and of marks, which are calibrated on recordings as they are.
    """

    samples: FloatArray
    sample_rate_hz: int
    source_rate_hz: int
    n_channels: int
    channel: int
    source_format: str
    clipped_fraction: float
    cut_at_limit: bool = False
    faults: Faults | None = None
    uncleaned: FloatArray | None = None

    @property
    def seconds(self) -> float:
        """Length of `samples`."""
        return len(self.samples) / self.sample_rate_hz

    @property
    def as_recorded(self) -> FloatArray:
        """The samples with whatever was taken out of them, [n]."""
        return self.samples if self.uncleaned is None else self.uncleaned


def read_audio(
    source: AudioSource, *, sample_rate_hz: int | None = None, max_seconds: float = 600.0
) -> DecodedAudio:
    """Decode the first `max_seconds` of a recording to mono.

    Of several channels the one with the clearest speech is taken, not their mean: a silent
    channel would halve the level, and microphones apart would comb-filter each other.

    Args:
        source: a path, the bytes of a file, or a binary file object.
        sample_rate_hz: resample to this rate while reading; None keeps the file's.
        max_seconds: how much is read of a longer file; memory is bounded by this at the rate
            asked for, whatever the rate and the channels of the file.

    Raises:
        AudioError: missing, unreadable, empty, not audio, corrupt or cut short; the message names
            the remedy.
    """
    import soundfile

    name, stream = _open(source)
    try:
        promise = wav_promises(stream)
        with _sound(stream, name) as sound:
            if promise is not None and promise.missing_bytes > 0:
                raise AudioError(
                    f"{name} is cut short: its header promises {promise.missing_bytes} bytes more"
                    f" than there are; copy it again, or {_EXPORT}"
                )
            limit = min(sound.frames, max(1, int(max_seconds * sound.samplerate)))
            scan = _scan(sound, limit, name)
        with _sound(stream, name) as sound:  # opened again, for some codecs can't seek
            return _decode(sound, limit, sample_rate_hz or sound.samplerate, scan)
    except (soundfile.SoundFileError, RuntimeError, OSError) as error:
        raise AudioError(f"{name} can't be decoded ({_reason(error)}); {_EXPORT}") from error
    finally:
        if stream is not source:
            stream.close()


def _open(source: AudioSource) -> tuple[str, BinaryIO]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        if len(source) == 0:
            raise AudioError("the recording is empty (0 bytes); record it again")
        return "the recording", io.BytesIO(source)
    if isinstance(source, (str, os.PathLike)):
        return _open_path(source)
    if not hasattr(source, "read"):
        raise AudioError(
            f"can't read audio from {type(source).__name__}; give a path, bytes or a file"
        )
    if not isinstance(source.read(0), bytes):
        raise AudioError("the file is open as text; open it with mode 'rb'")
    if getattr(source, "seekable", lambda: False)():
        source.seek(0)
        return "the recording", source
    data = source.read(MAX_STREAM_BYTES + 1)
    if len(data) > MAX_STREAM_BYTES:
        raise AudioError(
            f"the stream passes {MAX_STREAM_BYTES >> 20} MB; save it to a file and give its path"
        )
    return _open(data)


def _open_path(source: str | os.PathLike[str]) -> tuple[str, BinaryIO]:
    name = repr(os.fspath(source))
    try:
        status = os.stat(source)
        if stat.S_ISDIR(status.st_mode):
            raise AudioError(f"{name} is a folder; name the recordings in it")
        if not stat.S_ISREG(status.st_mode):
            raise AudioError(f"{name} is a device or a pipe; save the recording to a file")
        if status.st_size == 0:
            raise AudioError(f"{name} is empty (0 bytes); record it again")
        return name, Path(source).open("rb")
    except FileNotFoundError as error:
        raise AudioError(f"there is no file {name}; check the path") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise AudioError(f"can't open {name}: {error}; check its path and permissions") from error


def _sound(stream: BinaryIO, name: str) -> soundfile.SoundFile:
    import soundfile

    end = samples_end(stream, name)
    stream.seek(0)
    try:
        sound = soundfile.SoundFile(_Nameless(stream, end))
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError) as error:
        raise AudioError(
            f"{name} is not audio that voicelet reads ({_reason(error)});"
            " give a WAV, FLAC, Ogg or MP3 file"
        ) from error
    problem = ""
    if sound.format not in _CONTAINERS:
        problem = f"is in the format {sound.format_info}"
    elif not MIN_RATE_HZ <= sound.samplerate <= MAX_RATE_HZ:
        problem = f"has a sample rate of {sound.samplerate} Hz"
    elif sound.channels > MAX_CHANNELS:
        problem = f"has {sound.channels} channels"
    elif sound.frames <= 0:
        problem = "holds no audio"
    if problem:
        sound.close()
        raise AudioError(f"{name} {problem}, which voicelet doesn't take; {_EXPORT}")
    return sound


class _Nameless:
    """A file without its name, from which libsndfile's wrapper would guess a raw format.

    A damaged header can make libsndfile seek anywhere; an exception can't cross its callbacks.

    Args:
        end: where it is to end; None for the file's own end.
    """

    def __init__(self, file: BinaryIO, end: int | None = None) -> None:
        self._file, self._end = file, end
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        if self._end is not None:
            size = max(0, min(size, self._end - self._file.tell()))
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END and self._end is not None:
            offset, whence = self._end + offset, os.SEEK_SET
        try:
            return self._file.seek(offset, whence)
        except (ValueError, OSError):  # a negative position
            return self._file.tell()


def _reason(error: Exception) -> str:
    """libsndfile's own words, without the wrapper's mention of a Python object."""
    return str(getattr(error, "error_string", error)).rstrip(".")


def _scan(sound: soundfile.SoundFile, limit: int, name: str) -> ChannelScan:
    """Decode once to learn which channel to take, and that all of the file is there."""
    scan = ChannelScan(sound.channels, sound.samplerate)
    n_read = 0
    for block in _blocks(sound, limit):
        n_read += len(block)
        scan.add(block)
    if n_read == 0:
        raise AudioError(f"{name} holds no audio; record it again")
    if n_read < limit and sound.format != "MP3":  # whose lengths are estimates
        raise AudioError(
            f"{name} is cut short or corrupt: {sound.frames} frames are promised, {n_read} could be"
            f" decoded; copy it again, or {_EXPORT}"
        )
    return scan


def _decode(
    sound: soundfile.SoundFile, limit: int, rate_hz: int, scan: ChannelScan
) -> DecodedAudio:
    choice = scan.choose()
    resampler = Resampler(sound.samplerate, rate_hz)
    peak = scan.peak(choice)
    # float files in the scale of integers (±32768) exist
    gain = np.float32(1.0 / peak if peak > _WRONG_SCALE else 1.0)
    clip = scan.clip_counter(
        choice,
        ceiling=1.0 if sound.subtype in _LOSSY else math.inf,
        floor=0.97 if sound.subtype in _COARSE else 0.01,
    )
    parts = []
    for block in _blocks(sound, limit):
        wave = np.ascontiguousarray(block[:, choice])
        clip.add(wave)
        parts.append(resampler.push(wave * gain))
    samples = np.concatenate([*parts, resampler.flush()])
    return DecodedAudio(
        samples=samples,
        sample_rate_hz=rate_hz,
        source_rate_hz=sound.samplerate,
        n_channels=sound.channels,
        channel=choice,
        source_format=f"{sound.format}/{sound.subtype}",
        clipped_fraction=clip.fraction,
        cut_at_limit=limit < sound.frames,
    )


def _blocks(sound: soundfile.SoundFile, limit: int) -> Any:
    """Yield float32 [n, channels] with NaN and infinity as silence, up to `limit` frames."""
    size = max(1, _BLOCK_VALUES // sound.channels)
    remaining = limit
    while remaining > 0:
        block = sound.read(min(size, remaining), dtype="float32", always_2d=True)
        if len(block) == 0:
            return
        remaining -= len(block)
        np.nan_to_num(block, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        yield np.clip(block, -_LARGEST, _LARGEST)  # a float file may hold anything
