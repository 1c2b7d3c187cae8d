"""Many streams on few threads: whose turn it is, and how far a stream may run ahead of its reader.

A thread per stream makes everybody wait for everybody: with sixteen streams begun at once, each
hears its first word when all are nearly done.  Here a few threads take one step of one stream at a
time, a step being the next chunk, some tens of milliseconds of work.  The stream whose listener
would run dry first goes first (earliest deadline first: Liu and Layland, "Scheduling algorithms for
multiprogramming in a hard-real-time environment", 1973).
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event

from voicelet.errors import CancelledError, ConfigError, ServerBusyError
from voicelet.synth.types import Chunk

_log = logging.getLogger(__name__)

_ONE_CLIENT_S = 0.1
"""Streams of a client that has others waiting to begin count as coming so much later each, so that
one with many doesn't keep the others waiting."""
_CHECK_EVERY_S = 1.0


@dataclass(frozen=True)
class PoolConfig:
    """How much a pool takes on.

    Attributes:
        threads: that work, 1 to 256; 0 for as many as the process has cores.
        max_streams: open at a time, 1 to 100,000; one more is refused.
        max_waiting: streams of which nothing has been heard yet, 1 to `max_streams`; one more is
            refused.
        read_ahead_s: how much audio may wait for its reader, 0.1 to 60 s; a stream with more rests.
    """

    threads: int = 0
    max_streams: int = 256
    max_waiting: int = 64
    read_ahead_s: float = 2.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("threads", 0, 256),
            ("max_streams", 1, 100_000),
            ("max_waiting", 1, 100_000),
            ("read_ahead_s", 0.1, 60.0),
        ):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f"{name} must lie between {low} and {high}")


@dataclass(frozen=True)
class PoolStats:
    """What a pool is doing.

    Attributes:
        streams: open ones.
        waiting: those of which nothing has been heard yet.
        steps: taken so far.
        audio_s: made so far.
    """

    streams: int
    waiting: int
    steps: int
    audio_s: float


@dataclass(frozen=True)
class Spoken:
    """What a step makes.

    Attributes:
        chunk: of speech; None for what follows the last one, such as the end of a file.
        data: the bytes that are sent for it.
    """

    chunk: Chunk | None
    data: bytes = b""

    @property
    def seconds(self) -> float:
        """Length of its speech."""
        return len(self.chunk.samples) / self.chunk.sample_rate_hz if self.chunk else 0.0


Begin = Callable[[Event], Iterator[Spoken]]


class PooledStream:
    """A stream of a pool, for its one reader: iterate over its chunks, or :meth:`poll` them."""

    def __init__(
        self,
        pool: StreamPool,
        begin: Begin,
        client: str,
        deadline_s: float,
        wake: Wake,
        check: Check,
    ) -> None:
        self._pool, self._begin, self.client = pool, begin, client
        self._wake, self._check = wake, check
        self._iterator: Iterator[Spoken] | None = None
        self._cancel = Event()
        self._chunks: deque[Spoken] = deque()
        self._error: BaseException | None = None
        self._opened_s = self._checked_s = pool.clock()
        self._deadline_s = deadline_s
        self._first_s: float | None = None
        self._made_s = self._waiting_s = 0.0
        self._running = self._done = False

    def poll(self) -> Spoken | None:
        """The next chunk if there is one now, else None.

        Raises:
            StopIteration: the stream is over.
            VoiceletError: why it ended early; once all chunks before were taken.
        """
        with self._pool.changed:
            if self._chunks:
                chunk = self._chunks.popleft()
                self._waiting_s -= chunk.seconds
                self._pool.changed.notify_all()
                return chunk
            if not self._done:
                return None
            if self._error is not None:
                raise self._error
            raise StopIteration

    def __iter__(self) -> Iterator[Spoken]:
        while True:
            try:
                chunk = self.poll()
            except StopIteration:
                return
            if chunk is not None:
                yield chunk
                continue
            with self._pool.changed:
                while not (self._chunks or self._done):
                    self._pool.changed.wait()

    def close(self) -> None:
        """The reader has left: no step is taken any more, and what waits is dropped."""
        with self._pool.changed:
            self._cancel.set()
            self._chunks.clear()
            self._waiting_s = 0.0
            self._pool.changed.notify_all()

    @property
    def is_over(self) -> bool:
        """Whether no step will follow."""
        return self._done


Wake = Callable[[], None] | None
Check = Callable[[], None] | None


class StreamPool:
    """Takes steps of streams, earliest deadline first.

        def begin(cancel: Event) -> Iterator[Spoken]:
            for chunk in voice.stream(text, cancel=cancel):
                yield Spoken(chunk, pcm16(chunk.samples))

        with StreamPool() as pool:
            for spoken in pool.open(begin):
                play(spoken.data)

    Args:
        clock: seconds, for tests.
        start: without, no thread works, and the caller takes steps (:meth:`step`).
        on_first_audio: called with the seconds that a stream took to its first chunk.
    """

    def __init__(
        self,
        config: PoolConfig = PoolConfig(),
        *,
        clock: Callable[[], float] = time.monotonic,
        start: bool = True,
        on_first_audio: Callable[[float], None] | None = None,
    ) -> None:
        self.config, self.clock = config, clock
        self.changed = threading.Condition()
        self._on_first_audio = on_first_audio
        self._streams: list[PooledStream] = []
        self._steps, self._audio_s = 0, 0.0
        self._closed = self._ended = False
        self._threads = [
            threading.Thread(target=self._work, name=f"speech-{i}", daemon=True)
            for i in range((config.threads or usable_cores()) if start else 0)
        ]
        for thread in self._threads:
            thread.start()

    def open(
        self, begin: Begin, *, client: str = "", wake: Wake = None, check: Check = None
    ) -> PooledStream:
        """Queue a stream.

        Args:
            begin: opens it, given the event that cancels it; called in a thread of the pool, so
                what it raises reaches the reader.
            client: who asks; streams of one client give way to those of others.
            wake: called, in a thread of the pool, when a chunk or the end has come.
            check: called before a step, once a second at most; what it raises ends the stream.

        Raises:
            ServerBusyError: the pool is full, or is closing.
        """
        with self.changed:
            if self._closed:
                raise ServerBusyError("the server is stopping; ask again in a moment")
            waiting = sum(s._first_s is None for s in self._streams)
            if len(self._streams) >= self.config.max_streams or waiting >= self.config.max_waiting:
                raise ServerBusyError(
                    f"the server is speaking {len(self._streams)} texts, and {waiting} wait to"
                    " begin; ask again in a moment"
                )
            own = sum(s.client == client and s._first_s is None for s in self._streams)
            deadline_s = self.clock() + own * _ONE_CLIENT_S
            stream = PooledStream(self, begin, client, deadline_s, wake, check)
            self._streams.append(stream)
            self.changed.notify_all()
        return stream

    def step(self) -> bool:
        """Take one step of the stream whose turn it is; False if none wants one."""
        with self.changed:
            stream = self._next()
            if stream is None:
                return False
            stream._running = True
        self._take(stream)
        return True

    def stats(self) -> PoolStats:
        """What the pool is doing just now."""
        with self.changed:
            waiting = sum(s._first_s is None for s in self._streams)
            return PoolStats(len(self._streams), waiting, self._steps, self._audio_s)

    def close(self, drain_s: float = 0.0) -> bool:
        """Take no more streams, let those that are open end, and stop the threads.

        Args:
            drain_s: how long open streams may go on; what is left then is cancelled.

        Returns:
            Whether all streams ended by themselves.
        """
        with self.changed:
            self._closed = True
            self.changed.notify_all()
            whole = self.changed.wait_for(lambda: not self._streams, timeout=drain_s)
            for stream in self._streams:
                stream._cancel.set()
            self.changed.notify_all()
            if self._threads:
                self.changed.wait_for(lambda: not self._streams, timeout=10.0)
            self._ended = True
            self.changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=10.0)
        return whole

    def __enter__(self) -> StreamPool:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _work(self) -> None:
        while True:
            with self.changed:
                stream = self._next()
                while stream is None:
                    if self._ended:
                        return
                    self.changed.wait()
                    stream = self._next()
                stream._running = True
            self._take(stream)

    def _next(self) -> PooledStream | None:
        """Whose turn it is; with `changed` held."""
        ahead_s = self.config.read_ahead_s
        ready = (
            s
            for s in self._streams
            if not s._running and (s._cancel.is_set() or s._waiting_s < ahead_s)
        )
        return min(ready, key=lambda s: s._deadline_s, default=None)

    def _take(self, stream: PooledStream) -> None:
        """One step; without `changed` held, for it may take long."""
        chunk: Spoken | None = None
        error: BaseException | None = None
        try:
            self._check(stream)
            if stream._cancel.is_set():
                raise CancelledError("speech was cancelled")
            if stream._iterator is None:
                stream._iterator = stream._begin(stream._cancel)
            chunk = next(stream._iterator, None)
        except Exception as fault:  # of whatever kind: it is the reader's, and the pool goes on
            error = fault
        if chunk is None:
            self._close_iterator(stream)
        wake = self._note(stream, chunk, error)
        if wake is not None:
            wake()

    def _check(self, stream: PooledStream) -> None:
        """Ask anew whether the stream may go on; where not, what waits isn't heard either."""
        now = self.clock()
        if (
            stream._check is None
            or stream._cancel.is_set()
            or now - stream._checked_s < _CHECK_EVERY_S
        ):
            return
        stream._checked_s = now
        try:
            stream._check()
        except Exception:
            with self.changed:
                stream._chunks.clear()
            raise

    def _note(
        self, stream: PooledStream, chunk: Spoken | None, error: BaseException | None
    ) -> Wake:
        """Take over what a step gave; returns whom to tell."""
        first_s = None
        with self.changed:
            stream._running = False
            self._steps += 1
            if chunk is None:
                stream._done, stream._error = True, error
                self._streams.remove(stream)
            else:
                self._audio_s += chunk.seconds
                stream._made_s += chunk.seconds
                if stream._first_s is None:
                    stream._first_s = self.clock()
                    first_s = stream._first_s - stream._opened_s
                # Whoever listens as it comes has heard all of it by then.
                stream._deadline_s = stream._first_s + stream._made_s
                if not stream._cancel.is_set():
                    stream._chunks.append(chunk)
                    stream._waiting_s += chunk.seconds
            wake = stream._wake
            self.changed.notify_all()
        if first_s is not None and self._on_first_audio is not None:
            self._on_first_audio(first_s)
        return wake

    def _close_iterator(self, stream: PooledStream) -> None:
        """Let it write its audit record and let go of its memory."""
        close = getattr(stream._iterator, "close", None)
        stream._iterator = None
        try:
            if close is not None:
                close()
        except Exception:
            _log.exception("a stream couldn't be closed")


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
