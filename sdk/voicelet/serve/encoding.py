"""Speech as bytes while it is being spoken: WAV, PCM, G.711, FLAC, MP3 and Opus.

The formats of libsndfile are written through a file that lies about one thing: when the end is
reached, libsndfile goes back to fill in lengths, which by then have been sent.  Players do without
them, as they do for radio.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.audio.resample import Resampler
from voicelet.audio.writer import pcm16
from voicelet.config import did_you_mean
from voicelet.errors import ConfigError

SAMPLE_RATES_HZ = (8000, 16000, 22050, 24000, 44100, 48000)
_UNKNOWN_BYTES = 0xFFFFFFFF
_OPUS_RATES_HZ = (8000, 12000, 16000, 24000, 48000)
# Opus: 20 ms of a core for a second of speech in place of 53; nobody hears it.  MP3: a constant
# rate (70 kbit/s at 24 kHz), for players reckon the length of a stream from its first frames.
_EFFORT: dict[str, dict[str, Any]] = {
    "OPUS": {"compression_level": 0.5},
    "MPEG_LAYER_III": {"bitrate_mode": "CONSTANT", "compression_level": 0.6},
}
_ULAW_BIAS, _ULAW_CLIP = 0x84, 32635


class Encoder(Protocol):
    """Takes samples, gives bytes.  The bytes in turn are one file."""

    content_type: str

    def push(self, samples: FloatArray) -> bytes:
        """Bytes that can be sent now; perhaps none."""
        ...

    def finish(self) -> bytes:
        """What is left."""
        ...


class _Pcm:
    content_type = "audio/pcm"

    def __init__(self, rate_hz: int) -> None:
        self.content_type = f"audio/pcm;rate={rate_hz};channels=1;encoding=s16le"

    def push(self, samples: FloatArray) -> bytes:
        return pcm16(samples)

    def finish(self) -> bytes:
        return b""


class _Ulaw:
    def __init__(self, rate_hz: int) -> None:
        self.content_type = f"audio/basic;rate={rate_hz}"

    def push(self, samples: FloatArray) -> bytes:
        return ulaw(np.frombuffer(pcm16(samples), "<i2"))

    def finish(self) -> bytes:
        return b""


class _Wav:
    content_type = "audio/wav"

    def __init__(self, rate_hz: int, tags: Mapping[str, str]) -> None:
        self._head = wav_header(rate_hz, tags)

    def push(self, samples: FloatArray) -> bytes:
        head, self._head = self._head, b""
        return head + pcm16(samples)

    def finish(self) -> bytes:
        head, self._head = self._head, b""
        return head


class _Sent(io.RawIOBase):
    """A file of which only what comes after all that was written before is kept."""

    def __init__(self) -> None:
        self.fresh = bytearray()
        self._length = self._place = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        raw = bytes(data)
        late = max(0, self._length - self._place)  # bytes that have been sent already
        self.fresh += raw[late:]
        self._place += len(raw)
        self._length = max(self._length, self._place)
        return len(raw)

    def read(self, size: int = -1) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._length}[whence]
        self._place = max(0, base + offset)
        return self._place

    def tell(self) -> int:
        return self._place

    def take(self) -> bytes:
        """What is to be sent now."""
        fresh, self.fresh = bytes(self.fresh), bytearray()
        return fresh


class _Compressed:
    def __init__(
        self, container: str, codec: str, content_type: str, rate_hz: int, tags: Mapping[str, str]
    ) -> None:
        import soundfile

        self.content_type = content_type
        self._sent = _Sent()
        effort = _EFFORT.get(codec, {})
        kind = {"format": container, "subtype": codec, "channels": 1}
        try:
            self._sound = soundfile.SoundFile(self._sent, "w", rate_hz, **kind, **effort)
        except TypeError:  # soundfile before 0.13
            self._sound = soundfile.SoundFile(self._sent, "w", rate_hz, **kind)
        for name, text in tags.items():
            if text:
                setattr(self._sound, name, text)

    def push(self, samples: FloatArray) -> bytes:
        self._sound.write(np.frombuffer(pcm16(samples), "<i2"))
        return self._sent.take()

    def finish(self) -> bytes:
        self._sound.close()
        return self._sent.take()


class _Resampled:
    """An encoder behind a resampler."""

    def __init__(self, inner: Encoder, from_hz: int, to_hz: int) -> None:
        self.content_type = inner.content_type
        self._inner, self._resampler = inner, Resampler(from_hz, to_hz)

    def push(self, samples: FloatArray) -> bytes:
        return self._inner.push(self._resampler.push(samples))

    def finish(self) -> bytes:
        return self._inner.push(self._resampler.flush()) + self._inner.finish()


FORMATS = ("mp3", "opus", "flac", "wav", "pcm", "ulaw")
"""Names of formats; "aac" of OpenAI's list needs codecs that aren't free to ship."""


def open_encoder(
    name: str,
    speech_rate_hz: int,
    sample_rate_hz: int | None = None,
    tags: Mapping[str, str] | None = None,
) -> Encoder:
    """An encoder for speech.

    Args:
        name: one of `FORMATS`.
        speech_rate_hz: of the samples that will be given.
        sample_rate_hz: of the file, one of `SAMPLE_RATES_HZ`; None for that of the speech, for
            G.711 8000.
        tags: metadata, as of `AudioWriter`.

    Raises:
        ConfigError: there is no such format, or it doesn't take the rate.
    """
    if name not in FORMATS:
        raise ConfigError(
            f"no format {name!r}{did_you_mean(name, FORMATS)}; there are {', '.join(FORMATS)}"
        )
    default_hz = 8000 if name == "ulaw" else speech_rate_hz
    rate_hz = default_hz if sample_rate_hz is None else sample_rate_hz
    if rate_hz not in (*SAMPLE_RATES_HZ, speech_rate_hz):
        rates = ", ".join(map(str, SAMPLE_RATES_HZ))
        raise ConfigError(f"no sample rate {rate_hz}; there are {rates} (Hz)")
    if name == "opus" and rate_hz not in _OPUS_RATES_HZ:
        rates = ", ".join(map(str, _OPUS_RATES_HZ))
        raise ConfigError(f"Opus has no sample rate {rate_hz}; it has {rates} (Hz)")
    labels = dict(tags or {})
    encoder: Encoder
    if name == "pcm":
        encoder = _Pcm(rate_hz)
    elif name == "ulaw":
        encoder = _Ulaw(rate_hz)
    elif name == "wav":
        encoder = _Wav(rate_hz, labels)
    elif name == "flac":
        encoder = _Compressed("FLAC", "PCM_16", "audio/flac", rate_hz, labels)
    elif name == "mp3":
        encoder = _Compressed("MP3", "MPEG_LAYER_III", "audio/mpeg", rate_hz, labels)
    else:
        encoder = _Compressed("OGG", "OPUS", "audio/ogg", rate_hz, labels)
    if rate_hz == speech_rate_hz:
        return encoder
    return _Resampled(encoder, speech_rate_hz, rate_hz)


_INFO = {
    "title": b"INAM",
    "artist": b"IART",
    "software": b"ISFT",
    "date": b"ICRD",
    "genre": b"IGNR",
    "comment": b"ICMT",
}


def wav_header(rate_hz: int, tags: Mapping[str, str] | None = None) -> bytes:
    """The header of a mono 16-bit WAV file of unknown length, with its metadata.

    The lengths are the largest that fit; players and ffmpeg read to the end of the stream.
    """
    chunks = b""
    for name, text in (tags or {}).items():
        if name in _INFO and text:
            raw = text.encode("utf-8") + b"\0"
            chunks += _INFO[name] + struct.pack("<I", len(raw)) + raw + b"\0" * (len(raw) % 2)
    info = b"LIST" + struct.pack("<I", len(chunks) + 4) + b"INFO" + chunks if chunks else b""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, 2 * rate_hz, 2, 16)
    riff = struct.pack("<4sI4s", b"RIFF", _UNKNOWN_BYTES, b"WAVE")
    return riff + form + info + struct.pack("<4sI", b"data", _UNKNOWN_BYTES)


def ulaw(samples: npt.NDArray[np.int16]) -> bytes:
    """G.711 µ-law, a byte a sample (ITU-T G.711, 1988)."""
    wide = samples.astype(np.int32)
    sign = np.where(wide < 0, 0x80, 0).astype(np.int32)
    size = np.minimum(np.abs(wide), _ULAW_CLIP) + _ULAW_BIAS
    exponent = np.frexp(size.astype(np.float64))[1] - 8  # 0 to 7
    mantissa = (size >> (exponent + 3)) & 0x0F
    coded = ~(sign | (exponent << 4) | mantissa) & 0xFF
    out: bytes = coded.astype(np.uint8).tobytes()
    return out
