"""How many pods ten thousand listeners need: a simulation on measured times of work.

    python -m benchmarks.cluster --listeners 10000 --load 0.6

Texts arrive at random, by speakers of whom few speak much (Zipf), and go to the pod of two drawn at
random that has fewer.  A pod is one core that takes steps of streams, earliest deadline first, as
`voicelet.serve.pool` does: a step can't be interrupted, and a stream that is two seconds ahead of
its listener rests.  One pod is killed on the way; its listeners ask again at once.  What a step
takes was measured (`Costs`); the simulation has no other idea of speech.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

_STRETCHES_S = (0.2, 0.6, 1.2, 2.4, 4.0)
"""Speech in the steps of a stream: short at first, then the last of these again and again."""
_READ_AHEAD_S = 2.0
_SHORTEST_S, _LONGEST_S = 0.5, 60.0


@dataclass(frozen=True)
class Costs:
    """What work takes on one core.

    Attributes:
        first_s: from a request to its first audio, beside nobody: reading the text and the first
            step.
        work: seconds for a second of speech after that.
        open_profile_s: for one that isn't open.
        profile_bytes: of an open profile.
    """

    first_s: float = 0.02
    work: float = 0.012
    open_profile_s: float = 0.001
    profile_bytes: int = 4096


@dataclass(frozen=True)
class Plan:
    """What is simulated.

    Attributes:
        listeners: at a time, on average.
        load: share of the cores that is to be busy; it decides the number of pods.
        seconds: simulated.
        mean_s: length of speech of a text (log-normal with a deviation of 0.8).
        speakers: enrolled; the popularity of number k is 1 / k.
        cache_bytes: of open profiles in a pod.
        kill_at_s: when one pod is killed.
        core_hour: price, in any currency.
    """

    listeners: int = 10_000
    load: float = 0.6
    seconds: float = 60.0
    mean_s: float = 6.0
    speakers: int = 100_000
    cache_bytes: int = 16 << 20
    kill_at_s: float = 40.0
    core_hour: float = 0.03
    seed: int = 0


@dataclass
class _Stream:
    length_s: float
    speaker: int
    asked_s: float
    made_s: float = 0.0
    first_s: float = math.inf
    steps: int = 0
    pod: int = -1

    @property
    def deadline_s(self) -> float:
        """When its listener runs dry."""
        return self.asked_s if self.first_s == math.inf else self.first_s + self.made_s


@dataclass
class _Pod:
    streams: int = 0
    is_busy: bool = False
    is_up: bool = True
    ready: list[tuple[float, int, _Stream]] = field(default_factory=list)
    cache: OrderedDict[int, None] = field(default_factory=OrderedDict)


@dataclass
class Outcome:
    """What came of it; times in milliseconds."""

    pods: int = 0
    texts: int = 0
    first_audio_ms: dict[str, float] = field(default_factory=dict)
    gaps_over_100_ms: int = 0
    asked_again: int = 0
    cache_hits: float = 0.0
    busy: float = 0.0
    cost_of_an_audio_hour: float = 0.0


class Cluster:
    """One run of a plan."""

    def __init__(self, plan: Plan, costs: Costs) -> None:
        self._plan, self._costs = plan, costs
        work = costs.first_s / plan.mean_s + costs.work
        self.pods = [_Pod() for _ in range(max(2, math.ceil(plan.listeners * work / plan.load)))]
        self._rng = np.random.default_rng(plan.seed)
        self._events: list[tuple[float, int, str, object]] = []
        self._number = 0
        self._first: list[float] = []
        self._gaps = self._again = self._hits = self._opened = 0
        self._busy_s = self._spoken_s = 0.0
        self._killed = -1
        self._cached = max(1, plan.cache_bytes // costs.profile_bytes)

    def run(self) -> Outcome:
        """Simulate to the end."""
        plan = self._plan
        count = int(plan.listeners / plan.mean_s * plan.seconds)
        times = np.sort(self._rng.uniform(0.0, plan.seconds, count))
        spread = 0.8
        lengths = self._rng.lognormal(math.log(plan.mean_s) - spread**2 / 2, spread, count)
        ranks = np.exp(self._rng.uniform(0.0, math.log(plan.speakers), count)).astype(np.int64)
        for time, length, rank in zip(times, lengths, ranks, strict=True):
            seconds = float(min(max(length, _SHORTEST_S), _LONGEST_S))
            self._at(float(time), "ask", _Stream(seconds, int(rank), float(time)))
        self._at(plan.kill_at_s, "kill", None)
        while self._events:
            now, _, kind, what = heapq.heappop(self._events)
            if now > plan.seconds:
                break
            getattr(self, f"_{kind}")(now, what)
        return self._outcome()

    def _at(self, time_s: float, kind: str, what: object) -> None:
        self._number += 1
        heapq.heappush(self._events, (time_s, self._number, kind, what))

    def _ask(self, now: float, stream: _Stream) -> None:
        one, other = (self._any_pod() for _ in range(2))
        stream.pod = one if self.pods[one].streams <= self.pods[other].streams else other
        self.pods[stream.pod].streams += 1
        self._wants(now, stream)

    def _any_pod(self) -> int:
        while True:
            number = int(self._rng.integers(len(self.pods)))
            if self.pods[number].is_up:
                return number

    def _wants(self, now: float, stream: _Stream) -> None:
        """A stream that isn't ahead takes its turn."""
        pod = self.pods[stream.pod]
        self._number += 1
        heapq.heappush(pod.ready, (stream.deadline_s, self._number, stream))
        self._work(now, stream.pod)

    def _rested(self, now: float, stream: _Stream) -> None:
        if self.pods[stream.pod].is_up:
            self._wants(now, stream)

    def _work(self, now: float, number: int) -> None:
        pod = self.pods[number]
        if pod.is_busy or not pod.ready or not pod.is_up:
            return
        _, _, stream = heapq.heappop(pod.ready)
        speech_s = min(
            _STRETCHES_S[min(stream.steps, len(_STRETCHES_S) - 1)], stream.length_s - stream.made_s
        )
        work_s = self._costs.work * speech_s
        if not stream.steps:
            work_s = self._costs.first_s + self._open(pod, stream.speaker)
        pod.is_busy = True
        self._busy_s += work_s
        self._at(now + work_s, "done", (number, stream, speech_s))

    def _open(self, pod: _Pod, speaker: int) -> float:
        self._opened += 1
        if speaker in pod.cache:
            pod.cache.move_to_end(speaker)
            self._hits += 1
            return 0.0
        pod.cache[speaker] = None
        if len(pod.cache) > self._cached:
            pod.cache.popitem(last=False)
        return self._costs.open_profile_s

    def _done(self, now: float, what: tuple[int, _Stream, float]) -> None:
        number, stream, speech_s = what
        pod = self.pods[number]
        if not pod.is_up:
            return
        pod.is_busy = False
        if not stream.steps:
            stream.first_s = now
            self._first.append(now - stream.asked_s)
        elif now - stream.deadline_s > 0.1:
            self._gaps += 1
        stream.steps += 1
        stream.made_s += speech_s
        self._spoken_s += speech_s
        if stream.length_s - stream.made_s < 1e-9:
            pod.streams -= 1
        elif (rest_s := stream.deadline_s - _READ_AHEAD_S - now) > 0.0:
            self._at(now + rest_s, "rested", stream)
        else:
            self._wants(now, stream)
        self._work(now, number)

    def _kill(self, now: float, _: object) -> None:
        """A pod is gone; who listened to it asks again."""
        self._killed = int(np.argmax([pod.streams for pod in self.pods]))
        pod = self.pods[self._killed]
        pod.is_up = False
        waiting = {id(s): s for _, _, s in pod.ready}
        for _, _, kind, what in self._events:
            if kind == "rested" and isinstance(what, _Stream) and what.pod == self._killed:
                waiting[id(what)] = what
        for stream in waiting.values():
            left = _Stream(stream.length_s - stream.made_s, stream.speaker, now)
            self._again += 1
            self._at(now, "ask", left)
        pod.ready.clear()

    def _outcome(self) -> Outcome:
        plan, first = self._plan, np.array(self._first) * 1000.0
        shares = {"p50": 50, "p95": 95, "p99": 99}
        cores_s = len(self.pods) * plan.seconds
        return Outcome(
            pods=len(self.pods),
            texts=len(first),
            first_audio_ms={k: round(float(np.percentile(first, v)), 1) for k, v in shares.items()},
            gaps_over_100_ms=self._gaps,
            asked_again=self._again,
            cache_hits=round(self._hits / max(1, self._opened), 3),
            busy=round(self._busy_s / cores_s, 3),
            cost_of_an_audio_hour=round(plan.core_hour * cores_s / max(self._spoken_s, 1e-9), 6),
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the simulation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, kind in (("listeners", int), ("load", float), ("seconds", float), ("seed", int)):
        parser.add_argument(f"--{name}", type=kind, default=getattr(Plan, name))
    parser.add_argument("--first-ms", type=float, default=1000 * Costs.first_s)
    parser.add_argument("--work", type=float, default=Costs.work)
    args = parser.parse_args(argv)
    plan = Plan(args.listeners, args.load, args.seconds, seed=args.seed)
    costs = Costs(args.first_ms / 1000, args.work)
    print(json.dumps({**asdict(plan), **asdict(costs), **asdict(Cluster(plan, costs).run())}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
