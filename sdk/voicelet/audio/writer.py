"""Writing audio files: whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from voicelet.errors import OutputError
from voicelet.files import atomic_file, is_special

# suffix → libsndfile's container and codec
FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
MAX_WAV_SAMPLES = (0xFFFFFFFF - 36 - (1 << 16)) // 2  # the size fields of a WAV have 32 bits
TAGS = ("title", "copyright", "software", "artist", "comment", "date", "album", "license", "genre")
"""Fields of metadata: INFO chunks of WAV, comments of FLAC and Ogg, ID3 of MP3."""
_BLOCK = 1 << 16


def pcm16(samples: npt.ArrayLike) -> bytes:
    """Turn float samples into signed 16-bit little-endian PCM.

    Full scale is ±1; what lies beyond is clamped (never wrapped) and NaN becomes silence.

    Args:
        samples: float [n].
    """
    return _int16(samples).tobytes()


def _int16(samples: npt.ArrayLike) -> npt.NDArray[np.int16]:
    wave = np.nan_to_num(np.asarray(samples, dtype=np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
    scaled: npt.NDArray[np.int16] = np.rint(np.clip(wave, -1.0, 1.0) * 32767.0).astype("<i2")
    return scaled


class _Sink(io.RawIOBase):
    """What libsndfile writes to; keeps the first OSError, which its callbacks would swallow."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = self.error or error
            return 0

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)  # flushes, so it may find the disk full
        except OSError as error:
            self.error = self.error or error
            return 0

    def tell(self) -> int:
        return self._file.tell()


class AudioWriter:
    """Writes a mono file chunk by chunk; it appears under its name only when all went well.

        with AudioWriter("story.flac", 24000) as out:
            for chunk in voice.stream(text):
                out.write(chunk.samples)

    Leaving the block by an exception leaves nothing behind.  The format follows the suffix: .wav,
    .flac, .ogg (Vorbis), .opus, .mp3.

    Args:
        tags: metadata, by the names of `TAGS`; a tag that a format has no field for is left out.

    Raises:
        OutputError: unknown suffix, a folder, no permission, a full disk, a WAV past 4 GB.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        sample_rate_hz: int,
        *,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self._path = Path(path)
        suffix = self._path.suffix.lower()
        if is_special(self._path) and suffix not in FORMATS:
            suffix = ".wav"  # /dev/stdout has no suffix
        if suffix not in FORMATS:
            raise OutputError(
                f"can't tell the format of {str(self._path)!r} from its name;"
                f" end it with one of {', '.join(FORMATS)}"
            )
        self._suffix = suffix
        self._rate_hz = sample_rate_hz
        self._tags = dict(tags or {})
        joined = "".join(self._tags.values())
        if not self._tags.keys() <= set(TAGS) or len(joined) > 1 << 14 or "\0" in joined:
            raise OutputError(f"metadata is short text under one of {', '.join(TAGS)}")
        self._stack = contextlib.ExitStack()
        self._samples = 0
        self._sound: Any = None
        self._sink: _Sink | None = None

    def __enter__(self) -> AudioWriter:
        if self._path.is_dir():
            raise OutputError(f"{str(self._path)!r} is a folder; name a file in it")
        try:
            with self._explained():
                manager = _through_spool if is_special(self._path) else atomic_file
                file = self._stack.enter_context(manager(self._path))
                self._sink = _Sink(file)
                self._sound = self._open_sound(self._sink)
        except BaseException as error:  # Ctrl-C too: nobody else would remove the file
            self._stack.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def _open_sound(self, sink: _Sink) -> Any:
        import soundfile

        container, codec = FORMATS[self._suffix]
        try:
            sound = soundfile.SoundFile(
                sink, "w", self._rate_hz, channels=1, format=container, subtype=codec
            )
        except (soundfile.SoundFileError, RuntimeError, ValueError) as error:
            self._stack.__exit__(type(error), error, error.__traceback__)
            raise OutputError(
                f"{self._suffix} can't hold audio at {self._rate_hz} Hz ({error});"
                " write a .wav or .flac"
            ) from error
        for name, text in self._tags.items():
            if text:  # libsndfile refuses empty ones
                setattr(sound, name, text)
        return sound

    def write(self, samples: npt.ArrayLike) -> None:
        """Append float samples [n]; clamped to ±1, NaN as silence."""
        wave = _int16(samples)
        self._samples += len(wave)
        if self._suffix == ".wav" and self._samples > MAX_WAV_SAMPLES:
            raise OutputError("a WAV file can't pass 4 GB; write a .flac, or split the text")
        with self._explained():
            for start in range(0, len(wave), _BLOCK):
                self._sound.write(wave[start : start + _BLOCK])
                self._check()

    def _check(self) -> None:
        if self._sink is not None and self._sink.error is not None:
            raise self._sink.error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._explained():
            try:
                self._sound.close()
                if error is None:
                    self._check()
            except BaseException as fault:
                self._stack.__exit__(type(fault), fault, fault.__traceback__)
                if error is None:
                    raise
                return
            self._stack.__exit__(kind, error, trace)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        import soundfile

        try:
            yield
        except (OSError, ValueError, AssertionError, soundfile.SoundFileError) as error:
            # AssertionError: how soundfile says that fewer samples were written than given
            cause = (self._sink.error if self._sink else None) or error
            reason = getattr(cause, "strerror", None) or str(cause) or "the file stopped growing"
            raise OutputError(
                f"can't write {str(self._path)!r}: {reason}; free some space there or choose"
                " another folder. Nothing was left behind"
            ) from error


@contextlib.contextmanager
def _through_spool(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """For devices and pipes, which aren't seekable: encode elsewhere, then copy."""
    with tempfile.TemporaryFile() as spool:
        yield spool
        spool.seek(0)
        with open(path, "wb") as device:
            shutil.copyfileobj(spool, device)


def write_wav(
    path: str | os.PathLike[str],
    samples: npt.ArrayLike,
    sample_rate_hz: int,
    *,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write a mono file in the format of its suffix, atomically; see :class:`AudioWriter`.

    Args:
        path: ends in .wav, .flac, .ogg, .opus or .mp3.
        samples: float [n] in [-1, 1].
        tags: metadata, see :class:`AudioWriter`.

    Raises:
        OutputError: the file can't be written; nothing is left behind.
    """
    with AudioWriter(path, sample_rate_hz, tags=tags) as out:
        out.write(samples)
