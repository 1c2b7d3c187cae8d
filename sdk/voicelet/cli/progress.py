"""A progress bar for a terminal; silent where there is none, and in the first two seconds."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

PATIENCE_S = 2.0
_WIDTH = 28
_INTERVAL_S = 0.1


class Progress:
    """Shows how much of a task is done, on stderr, once it has taken two seconds.

        with Progress("speaking") as progress:
            for i, item in enumerate(items):
                progress.update(i / len(items))

    Args:
        label: what is going on.
        enabled: False keeps it silent; by default it shows on a terminal only.
    """

    def __init__(
        self, label: str, *, enabled: bool | None = None, stream: TextIO | None = None
    ) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._label = label
        self._enabled = self._stream.isatty() if enabled is None else enabled
        self._start = self._last = time.monotonic()
        self._drawn = False

    def __enter__(self) -> Progress:
        return self

    def update(self, fraction: float, note: str = "") -> None:
        """Show the fraction done, 0 to 1, and a short note beside the bar."""
        now = time.monotonic()
        elapsed = now - self._start
        if not self._enabled or elapsed < PATIENCE_S or now - self._last < _INTERVAL_S:
            return
        self._last = now
        fraction = min(max(fraction, 0.0), 1.0)
        full = round(fraction * _WIDTH)
        remaining = f" {_clock(elapsed / fraction - elapsed)} left" if fraction > 0.01 else ""
        bar = "█" * full + "░" * (_WIDTH - full)
        self._stream.write(f"\r\x1b[K{self._label} {bar} {fraction:4.0%}{remaining} {note}")
        self._stream.flush()
        self._drawn = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def _clock(seconds: float) -> str:
    minutes, secs = divmod(round(seconds), 60)
    return f"{minutes}:{secs:02d}"
