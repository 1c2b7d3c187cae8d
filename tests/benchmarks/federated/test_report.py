"""Clips compared one by one; tables and images of results as the parts write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("scipy")

from benchmarks.common import BenchmarkError
from benchmarks.federated.report import main, plot, quality, read, series, spoken_series
from benchmarks.federated.speech import compared


def clips(errors: int, similarity: float) -> list[dict[str, Any]]:
    return [
        {
            "file": f"{p}-{n}.wav",
            "person": f"so_{p}",
            "words": 10,
            "errors": errors if n else 0,
            "similarity": similarity + 0.01 * p,
        }
        for p in range(5)
        for n in range(2)
    ]


def test_models_are_compared_clip_by_clip() -> None:
    found = compared(clips(3, 0.8), clips(1, 0.7), 200)
    assert found["wer"] == pytest.approx(15.0) and found["words"] == 100
    # Every person differs alike, so the difference is certain though people are not.
    assert found["wer_low"] == pytest.approx(10.0) and found["wer_high"] == pytest.approx(10.0)
    assert found["similarity"] == pytest.approx(0.82)
    assert found["similarity_low"] == pytest.approx(0.1)
    with pytest.raises(BenchmarkError):
        compared(clips(1, 0.8)[1:], clips(1, 0.8))


def results(folder: Path) -> Path:
    losses = {
        "mel": 0.4,
        "duration": 0.5,
        "pitch": 0.7,
        "f0": 0.1,
        "gain_low": 0.1,
        "gain_high": 0.2,
    }
    judge = {
        "held_out": {"start": losses, "n100-r3-einf": losses, "n100-r3-e8": losses | {"mel": 0.3}},
        "curve": [
            {"devices": 1000, "epsilon": e, "noise_multiplier": 1.0, "mel": [0.3, 0.4]}
            for e in (None, 8.0)
        ],
        "sound": {"start": {"so_": {"mel": 0.4, "speech": 0.5, "shape": 0.3}}},
    }
    model = compared(clips(3, 0.8), clips(1, 0.7), 20)
    speech = {"models": {"start": model, "n100-r3-e8": model}}
    attack = dict.fromkeys(("auc", "auc_low", "auc_high", "tpr", "tpr_low", "tpr_high"), 0.5)
    attack |= {"members": 10, "others": 5}
    row = {"devices": 100, "epsilon": None, "shadow": attack, "strongest": attack, "allowed": 1.0}
    told = {"sums": [row], "losses": {"n100-r3-e8": attack}, "personal": {"person": attack}}
    for name, part in (("judge", judge), ("speech", speech), ("attack", told)):
        (folder / f"{name}.json").write_text(json.dumps(part))
    return folder


def test_tables_and_curves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    told = read(results(tmp_path))
    assert series(told) == {
        "1000 devices, one round": [(8.0, pytest.approx(0.35)), (30.0, pytest.approx(0.35))],
        "100 devices, three rounds": [(8.0, 0.3), (30.0, 0.4)],
    }
    assert list(spoken_series(told, "wer")) == ["100 devices, three rounds"]
    assert "| n100-r3-einf | 0.400 |" in quality(told)
    assert main(["--out", str(tmp_path), "--plots", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "| sum of 100, epsilon none | shadow | 0.500" in text and "15.0 (+10.0" in text
    assert all(p.stat().st_size > 5000 for p in plot(told, tmp_path))


def test_parts_that_did_not_run_are_left_out(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path)]) == 0
    assert read(tmp_path) == {"judge": {}, "attack": {}, "speech": {}}
