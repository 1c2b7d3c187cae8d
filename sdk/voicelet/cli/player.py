"""Playing on the loudspeaker, through a program that the system has."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from types import TracebackType
from typing import TYPE_CHECKING

from voicelet.audio.writer import pcm16
from voicelet.errors import OutputError

if TYPE_CHECKING:
    import numpy.typing as npt

# Each reads mono signed 16-bit little-endian samples from standard input; {} is the rate in Hz.
_PLAYERS = (
    ("pw-play", "--format=s16", "--channels=1", "--rate={}", "--raw", "-"),
    ("paplay", "--raw", "--format=s16le", "--channels=1", "--rate={}"),
    ("aplay", "-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", "{}"),
    ("play", "-q", "-t", "raw", "-e", "signed", "-b", "16", "-c", "1", "-r", "{}", "-"),
    ("ffplay", "-loglevel", "error", "-nodisp", "-autoexit", "-f", "s16le", "-ar", "{}", "-"),
)


class Player:
    """Plays samples as they come; leaving the block waits until they have been heard.

    Raises:
        OutputError: the system has no player, or the player fails.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        command = next((c for c in _PLAYERS if shutil.which(c[0])), None)
        if command is None:
            names = ", ".join(c[0] for c in _PLAYERS)
            raise OutputError(
                f"no player found ({names}); install one, or write a file with -o out.wav"
            )
        self._command = [part.format(sample_rate_hz) for part in command]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Player:
        try:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
            )
        except OSError as error:
            raise OutputError(f"{self._command[0]} can't be started: {error.strerror}") from error
        return self

    def write(self, samples: npt.ArrayLike) -> None:
        """Play float samples [n]."""
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(pcm16(samples))
            self._process.stdin.flush()
        except OSError as error:
            raise OutputError(
                f"{self._command[0]} stopped; write a file with -o out.wav instead"
            ) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process is not None and self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        if error is not None:
            self._process.kill()
        code = self._process.wait()
        if error is None and code:
            raise OutputError(
                f"{self._command[0]} failed (exit {code}); write a file with -o out.wav instead"
            )
