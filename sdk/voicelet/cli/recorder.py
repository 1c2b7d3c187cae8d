"""Listening to the microphone, through a program that the system has; nothing touches the disk."""

from __future__ import annotations

import shutil
import subprocess
import threading
from typing import TYPE_CHECKING

from voicelet.errors import AudioError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

RATE_HZ = 24000
MAX_SECONDS = 60
_PATIENCE_S = 0.5

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


class MicrophoneRecorder:
    """Records until it is stopped, 60 s at most.

    Raises:
        AudioError: the system has no recorder, or it can't be started.
    """

    def __init__(self) -> None:
        command = find_recorder()
        if command is None:
            names = ", ".join(c[0] for c in _RECORDERS)
            raise AudioError(f"no recorder found ({names}); record it elsewhere and name the file")
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
