"""What other runtimes are held against is still what Python gives: graphs, speech and its times."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import voicelet
from voicelet.audio.features import log_mel

HERE = Path(__file__).resolve().parent
TOLERANCE = 0.15
"""Of graphs' outputs, as in test_golden.py: int8 kernels of other processors round differently."""


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def voice() -> voicelet.Voice:
    return voicelet.Voice.load()


def test_graphs_give_what_they_gave(voice: voicelet.Voice) -> None:
    maker = _module("make_graph_golden")
    with np.load(HERE / "graphs.npz") as file:
        golden = dict(file)
    feeds = maker.feeds()
    assert set(feeds) == set(voice.bundle.manifest.graphs)
    for role in feeds:
        prefix = f"{role}.in."
        feed = {k[len(prefix) :]: v for k, v in golden.items() if k.startswith(prefix)}
        for name, value in maker.open_graph(voice, role).run(feed).items():
            kept = value[:, maker.KEPT_FRAMES] if role == "vocoder" else value
            if name != "harmonic_phase":  # an angle turns where there is no voice
                assert np.max(np.abs(kept - golden[f"{role}.out.{name}"])) <= TOLERANCE, name


@pytest.mark.parametrize("name", ["plain", "lively", "whisper", "fast", "capitals", "long", "cut"])
def test_speech_is_as_it_was(name: str, voice: voicelet.Voice) -> None:
    maker = _module("make_synth_golden")
    cases = json.loads((HERE / "synth.json").read_text(encoding="utf-8"))
    assert set(cases) == set(maker.CASES)
    golden: dict[str, Any] = cases[name]
    spoken = maker.speak(voice, *maker.CASES[name])
    samples = spoken.pop("_samples")
    # Through JSON, which has no tuples.
    spoken = json.loads(json.dumps(spoken))
    assert spoken["clauses"] == golden["clauses"] and spoken["options"] == golden["options"]
    assert abs(spoken["samples"] - golden["samples"]) <= 0.03 * golden["samples"]
    assert [w[:3] for w in spoken["words"]] == [w[:3] for w in golden["words"]]
    times = [w[3:] for w in spoken["words"]], [w[3:] for w in golden["words"]]
    assert not times[0] or np.max(np.abs(np.subtract(*times))) < 0.1
    if name in maker.UNSAMPLED:
        return
    with np.load(HERE / "synth.npz") as file:
        expected = file[name].astype(np.float32) / 32767.0
    length = min(len(samples), len(expected))
    wanted, found = log_mel(expected[:length]), log_mel(samples[:length])
    loud = wanted > wanted.max() - 7.0
    assert np.mean(np.abs(wanted - found)[loud]) < 0.35
