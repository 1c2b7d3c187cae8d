"""The simulation of many pods does what queues do."""

from __future__ import annotations

import dataclasses

import pytest

from benchmarks.cluster import Cluster, Costs, Outcome, Plan

SMALL = Plan(listeners=300, seconds=40.0, kill_at_s=20.0)


def run(**changes: float) -> Outcome:
    return Cluster(dataclasses.replace(SMALL, **changes), Costs()).run()  # type: ignore[arg-type]


def test_nobody_waits_where_there_is_room() -> None:
    found = run(load=0.1, kill_at_s=1e9)
    assert found.first_audio_ms["p50"] == pytest.approx(21.0, abs=1.0)  # the work, and no queue
    assert found.first_audio_ms["p99"] < 60.0
    assert found.gaps_over_100_ms == 0 and found.asked_again == 0
    assert found.texts == pytest.approx(300 / 6 * 40, rel=0.02)


def test_more_load_needs_fewer_pods_and_longer_waits() -> None:
    runs = [run(load=load) for load in (0.3, 0.6, 0.9)]
    pods = [r.pods for r in runs]
    waits = [r.first_audio_ms["p95"] for r in runs]
    prices = [r.cost_of_an_audio_hour for r in runs]
    assert pods == sorted(pods, reverse=True) and waits == sorted(waits)
    assert prices == sorted(prices, reverse=True)
    for r, load in zip(runs, (0.3, 0.6, 0.9), strict=True):
        assert 0.7 * load < r.busy <= load  # whole pods, and nobody is there at first


def test_too_much_is_heard() -> None:
    found = run(load=1.5, kill_at_s=1e9)
    assert found.first_audio_ms["p95"] > 200.0 or found.gaps_over_100_ms > 100


def test_a_killed_pod_costs_its_listeners_alone() -> None:
    found = run(load=0.5)
    assert 0 < found.asked_again < 40
    assert found.gaps_over_100_ms == 0


def test_a_cache_of_everybody_is_hit_more_often() -> None:
    assert run(load=0.5, speakers=50).cache_hits > run(load=0.5, cache_bytes=4096 * 4).cache_hits


def test_equal_seeds_are_equal_runs() -> None:
    assert run(load=0.6) == run(load=0.6) != run(load=0.6, seed=1)
