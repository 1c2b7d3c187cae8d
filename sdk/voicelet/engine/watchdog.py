"""An end for graphs that don't come to one: a limit of processor time, kept by a thread.

The limit counts work, not waiting: a computer that sleeps, or a process that is stopped for an
hour, uses up nothing of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from voicelet.errors import EngineError

WORK_LIMIT_S = 120.0
"""Processor time for one run of a graph that nobody vouches for, and for opening it.  Runs of real
voices take milliseconds; the longest that is known, half a minute, is on the slowest boards."""
_POLL_S = 0.1


def work_limit_s(trusted_by: str | None) -> float | None:
    """The limit for a graph of a bundle: none where a key that is trusted vouches for it.

    Args:
        trusted_by: of the bundle.
    """
    return None if trusted_by in ("package", "key") else WORK_LIMIT_S


@contextmanager
def stopped_after(limit_s: float | None, stop: Callable[[], None], where: str) -> Iterator[None]:
    """Run the block; call `stop` from another thread when it has worked longer than `limit_s`.

    Args:
        limit_s: of processor time, in seconds; None for no limit.
        stop: makes the block end, with whatever error.
        where: what runs, for the message.

    Raises:
        EngineError: it was stopped.
    """
    if limit_s is None:
        yield
        return
    ended, expired = threading.Event(), threading.Event()
    clock = _thread_clock()
    limit = clock() + limit_s

    def watch() -> None:
        while not ended.wait(_POLL_S):
            if clock() > limit:
                expired.set()
                stop()
                return

    watcher = threading.Thread(target=watch, name="voicelet watchdog", daemon=True)
    watcher.start()
    error: Exception | None = None
    try:
        yield
    except Exception as failure:
        error = failure
        if not expired.is_set():
            raise
    finally:
        ended.set()
        watcher.join()  # it reads this thread's clock, which must be there
    if expired.is_set():
        raise EngineError(
            f"{where}: the graph was stopped after {limit_s:g} s of work and hadn't come to an"
            " end; fetch the bundle from makers you trust"
        ) from error


def _thread_clock() -> Callable[[], float]:
    """Processor time of the calling thread, for another to read; of the process where that can't
    be had."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.process_time
    clock = time.pthread_getcpuclockid(threading.get_ident())
    return lambda: time.clock_gettime(clock)
