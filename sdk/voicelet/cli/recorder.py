"""Listening to the microphone, through a program that the system has; nothing touches the disk."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from voicelet.errors import AudioError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

RATE_HZ = 24000
MAX_SECONDS = 60
_PATIENCE_S = 0.5
_METER_S = 0.1
_METER_FLOOR_DBFS = -60.0
_METER_WIDTH = 30
_QUIET_DBFS, _LOUD_DBFS = -42.0, -1.0

# Each writes mono signed 16-bit little-endian samples to standard output; {} is the rate in Hz.
_RECORDERS = (
    ("arecord", "-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", "{}"),
    ("parecord", "--raw", "--format=s16le", "--channels=1", "--rate={}"),
    ("rec", "-q", "-t", "raw", "-e", "signed", "-b", "16", "-c", "1", "-r", "{}", "-"),
)


def find_recorder() -> list[str] | None:
    """The command line of a program that records, None where the system has none."""
    command = next((c for c in _RECORDERS if shutil.which(c[0])), None)
    return [part.format(RATE_HZ) for part in command] if command else None


def require_recorder() -> list[str]:
    """As :func:`find_recorder`.

    Raises:
        AudioError: the system has none.
    """
    command = find_recorder()
    if command is None:
        names = ", ".join(c[0] for c in _RECORDERS)
        raise AudioError(f"no recorder found ({names}); record it elsewhere and name the file")
    return command


class MicrophoneRecorder:
    """Records until it is stopped, 60 s at most.

    Raises:
        AudioError: the system has no recorder, or it can't be started.
    """

    def __init__(self) -> None:
        command = require_recorder()
        self._name, self._data = command[0], bytearray()
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise AudioError(f"{self._name} can't be started: {error.strerror}") from error
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        while len(self._data) < 2 * RATE_HZ * MAX_SECONDS:
            piece = self._process.stdout.read1(1 << 14)  # type: ignore[attr-defined]
            if not piece:
                break
            self._data += piece
        self._process.terminate()

    def level_dbfs(self) -> tuple[float, float]:
        """RMS level and peak of the last tenth of a second, in dBFS; `-inf` for silence."""
        import numpy as np

        size = 2 * int(_METER_S * RATE_HZ)
        end = len(self._data) // 2 * 2
        recent = np.frombuffer(bytes(self._data[max(0, end - size) : end]), "<i2") / 32768.0
        if not len(recent) or not recent.any():
            return -math.inf, -math.inf
        recent = recent - recent.mean()  # an offset is no sound
        rms, peak = float(np.sqrt(np.mean(recent**2))), float(np.abs(recent).max())
        return (20.0 * math.log10(max(rms, 1e-9)), 20.0 * math.log10(max(peak, 1e-9)))

    def close(self) -> None:
        """End the program, whatever it does; what was recorded is forgotten."""
        self._process.kill()
        self._thread.join(5.0)
        self._process.communicate()
        self._data.clear()

    def stop(self) -> tuple[npt.NDArray[np.int16], int]:
        """Stop recording; returns samples int16 [n] and their rate in Hz.

        Raises:
            AudioError: nothing was recorded.
        """
        import numpy as np

        if not self._data:  # a program that can't record says so within moments
            self._thread.join(_PATIENCE_S)
        self._process.terminate()
        self._thread.join(5.0)
        _, complaint = self._process.communicate()
        if len(self._data) < 2:
            message = complaint.decode("utf-8", "replace").strip()
            reason = message.splitlines()[-1] if message else "no microphone?"
            raise AudioError(f"{self._name} recorded nothing: {reason}")
        return np.frombuffer(bytes(self._data[: len(self._data) // 2 * 2]), "<i2"), RATE_HZ


def meter_bar(rms_dbfs: float, peak_dbfs: float) -> str:
    """One line for a person: how loud it is, and whether that is too quiet or too loud."""
    share = (rms_dbfs - _METER_FLOOR_DBFS) / -_METER_FLOOR_DBFS
    full = round(_METER_WIDTH * min(max(share, 0.0), 1.0))
    word = "too loud" if peak_dbfs > _LOUD_DBFS else "quiet" if rms_dbfs < _QUIET_DBFS else "good"
    return f"[{'#' * full}{'.' * (_METER_WIDTH - full)}] {word}"


class LevelMeter:
    """Shows the level of a recorder on a terminal while it records; silent elsewhere.

    with LevelMeter(recorder):
        sys.stdin.readline()
    """

    def __init__(self, recorder: MicrophoneRecorder, stream: TextIO | None = None) -> None:
        self._recorder = recorder
        self._stream = sys.stderr if stream is None else stream
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def __enter__(self) -> LevelMeter:
        if self._stream.isatty():
            self._thread.start()
        return self

    def _show(self) -> None:
        while not self._over.wait(_METER_S):
            bar = meter_bar(*self._recorder.level_dbfs())
            self._stream.write(f"\r\x1b[K  {bar}   Enter when you have read it ")
            self._stream.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
            self._stream.write("\r\x1b[K")
            self._stream.flush()
