"""Counters for Prometheus.  No text and no name of a person is in them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from voicelet.serve.pool import StreamPool
from voicelet.serve.speakers import Speakers

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FIRST_AUDIO_S = (0.005, 0.01, 0.02, 0.04, 0.08, 0.12, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "voicelet_requests", "Requests by path and status.", ("path", "status"),
            registry=self.registry,
        )  # fmt: skip
        self.first_audio_s = Histogram(
            "voicelet_first_audio_seconds", "From a request to its first audio.",
            buckets=_FIRST_AUDIO_S, registry=self.registry,
        )  # fmt: skip

    def watch(self, pool: StreamPool, speakers: Speakers) -> None:
        """Tell of a pool and its speakers as well."""
        self.registry.register(_Watched(pool, speakers))

    def page(self) -> bytes:
        """What `/metrics` shows."""
        return generate_latest(self.registry)


class _Watched(Collector):
    def __init__(self, pool: StreamPool, speakers: Speakers) -> None:
        self._pool, self._speakers = pool, speakers

    def collect(self) -> Iterator[Metric]:
        stats, speakers = self._pool.stats(), self._speakers
        yield GaugeMetricFamily("voicelet_streams", "Streams being spoken.", stats.streams)
        yield GaugeMetricFamily(
            "voicelet_streams_waiting", "Streams without audio yet.", stats.waiting
        )
        yield CounterMetricFamily("voicelet_steps", "Steps of streams.", stats.steps)
        yield CounterMetricFamily("voicelet_audio_seconds", "Speech made.", stats.audio_s)
        yield CounterMetricFamily(
            "voicelet_profile_cache_hits", "Profiles found open.", speakers.hits
        )
        yield CounterMetricFamily(
            "voicelet_profile_cache_misses", "Profiles opened from disk.", speakers.misses
        )
        yield GaugeMetricFamily(
            "voicelet_profile_cache_bytes", "Size of open profiles.", speakers.open_bytes
        )
