"""Whose turn it is, step by step, on a clock that stands still."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from threading import Event

import numpy as np
import pytest

from voicelet.errors import CancelledError, ConfigError, ServerBusyError, TextError
from voicelet.serve.pool import PoolConfig, Spoken, StreamPool
from voicelet.synth.types import Chunk

RATE = 1000


def speech(*seconds: float, log: list[str] | None = None, name: str = "") -> object:
    def begin(cancel: Event) -> Iterator[Spoken]:
        try:
            for length in seconds:
                if log is not None:
                    log.append(name)
                yield Spoken(Chunk(np.zeros(round(length * RATE), np.float32), RATE), b"x")
        finally:
            if log is not None:
                log.append(f"{name} closed")

    return begin


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def pool(**config: float) -> tuple[StreamPool, Clock]:
    clock = Clock()
    return StreamPool(PoolConfig(**config), clock=clock, start=False), clock  # type: ignore[arg-type]


def test_who_has_heard_nothing_goes_before_who_has_audio() -> None:
    streams, clock = pool()
    log: list[str] = []
    streams.open(speech(0.5, 0.5, 0.5, log=log, name="old"), client="a")
    assert streams.step()
    clock.now = 0.1
    streams.open(speech(0.5, 0.5, log=log, name="new"), client="b")
    for _ in range(4):
        streams.step()
    # The old listener runs dry at 0.5, the new one has heard nothing since 0.1.
    assert log == ["old", "new", "old", "new", "old"]


def test_a_stream_rests_when_its_reader_does() -> None:
    streams, _ = pool(read_ahead_s=1.0)
    stream = streams.open(speech(*[0.4] * 10))
    steps = sum(streams.step() for _ in range(20))
    assert steps == 3  # 1.2 s wait
    assert stream.poll() is not None
    assert streams.step() and not streams.step()


def test_a_client_with_many_streams_gives_way() -> None:
    streams, clock = pool()
    log: list[str] = []
    for i in range(8):
        streams.open(speech(0.2, log=log, name=f"greedy{i}"), client="greedy")
    clock.now = 0.15
    streams.open(speech(0.2, log=log, name="modest"), client="modest")
    for _ in range(4):
        streams.step()
    assert "modest" in log[:3]


def test_too_many_are_refused_and_the_others_go_on() -> None:
    streams, _ = pool(max_streams=3, max_waiting=2)
    first = streams.open(speech(0.1))
    streams.open(speech(0.1))
    with pytest.raises(ServerBusyError, match="ask again"):
        streams.open(speech(0.1))
    streams.step()
    streams.open(speech(0.1))
    with pytest.raises(ServerBusyError):
        streams.open(speech(0.1))
    assert first.poll() is not None
    assert streams.stats().streams == 3 and streams.stats().waiting == 2


def test_a_reader_that_leaves_costs_one_more_step() -> None:
    streams, _ = pool()
    log: list[str] = []
    stream = streams.open(speech(*[0.1] * 50, log=log, name="s"))
    streams.step()
    stream.close()
    assert streams.step() and not streams.step()
    assert log == ["s", "s closed"]
    assert streams.stats().streams == 0
    with pytest.raises(CancelledError):
        stream.poll()


def test_errors_come_after_the_audio_before_them() -> None:
    def begin(cancel: Event) -> Iterator[Spoken]:
        yield Spoken(Chunk(np.zeros(100, np.float32), RATE))
        raise TextError("that can't be spoken")

    def refuse(cancel: Event) -> Iterator[Spoken]:
        raise ConfigError("no such voice")

    streams, _ = pool()
    stream, refused = streams.open(begin), streams.open(refuse)
    while streams.step():
        pass
    assert stream.poll() is not None
    with pytest.raises(TextError):
        stream.poll()
    with pytest.raises(ConfigError):
        refused.poll()
    assert streams.stats().streams == 0


def test_a_stream_is_asked_once_a_second_whether_it_may_go_on() -> None:
    streams, clock = pool(read_ahead_s=50.0)
    asked: list[float] = []

    def check() -> None:
        asked.append(clock.now)
        if clock.now > 2.5:
            raise TextError("not any more")

    stream = streams.open(speech(*[0.1] * 60), check=check)
    for i in range(40):
        clock.now = i / 10
        streams.step()
    assert asked == [1.0, 2.0, 3.0]
    with pytest.raises(TextError):  # what waited isn't heard either
        stream.poll()


def test_threads_speak_all_of_many_streams() -> None:
    with StreamPool(PoolConfig(threads=4, max_waiting=100, read_ahead_s=0.1)) as streams:
        opened = [streams.open(speech(*[0.05] * 20), client=str(i % 3)) for i in range(40)]
        counts = [0] * 40

        def read(i: int) -> None:
            counts[i] = sum(1 for _ in opened[i])

        readers = [threading.Thread(target=read, args=(i,)) for i in range(40)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        assert counts == [20] * 40
        stats = streams.stats()
        assert stats.streams == 0 and stats.audio_s == pytest.approx(40.0)


def test_closing_lets_speech_end_or_cancels_it() -> None:
    streams = StreamPool(PoolConfig(threads=1))
    stream = streams.open(speech(0.1, 0.1))
    assert streams.close(drain_s=30.0)
    assert sum(1 for _ in stream) == 2
    with pytest.raises(ServerBusyError, match="stopping"):
        streams.open(speech(0.1))

    endless = StreamPool(PoolConfig(threads=1, read_ahead_s=0.2))
    stuck = endless.open(speech(*[0.1] * 1000))
    assert not endless.close(drain_s=0.05)
    with pytest.raises(CancelledError):
        for _ in stuck:
            pass


@pytest.mark.parametrize("wrong", [{"threads": -1}, {"max_streams": 0}, {"read_ahead_s": 0.0}])
def test_impossible_pools(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        PoolConfig(**wrong)  # type: ignore[arg-type]
