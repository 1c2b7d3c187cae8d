"""Attacks with known answers."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")

from benchmarks.privacy import halves, main, measure, membership_attack
from voicelet.errors import ConfigError
from voicelet_export.errors import CorpusError


def test_membership_of_known_auc() -> None:
    rng = np.random.default_rng(0)
    inside, outside = rng.normal(1.0, 1.0, 4000), rng.normal(0.0, 1.0, 4000)
    found = membership_attack(inside, np.zeros(4000), outside, np.zeros(4000))
    assert found.auc == pytest.approx(0.5 * math.erfc(-0.5), abs=0.01)  # Phi(1 / sqrt 2)
    assert found.auc_error < 0.01
    # Phi(1 - z(0.99)) = Phi(-1.326)
    assert found.tpr_at_1_percent == pytest.approx(0.0924, abs=0.03)


def test_membership_extremes() -> None:
    ten = np.arange(10.0)
    zero = np.zeros(10)
    assert membership_attack(ten + 20, zero, ten, zero).auc == 1.0
    assert membership_attack(ten + 20, zero, ten, zero).tpr_at_1_percent == 1.0
    assert membership_attack(ten, zero, ten + 20, zero).auc == 0.0
    flat = membership_attack(zero, zero, zero, zero)
    assert flat.auc == 0.5 and flat.tpr_at_1_percent == 0.0
    for bad in ([], [np.nan], [1.0, 2.0]):
        with pytest.raises(ConfigError):
            membership_attack(bad, [1.0], zero, zero)


def index(folder: Path, speakers: int = 20, decoys: int = 20) -> None:
    rng = np.random.default_rng(3)
    entries = []
    for s in range(speakers + decoys):
        centre = rng.normal(size=256)
        for _ in range(6 if s < speakers else 1):
            vector = centre + rng.normal(0.0, 0.2, 256)
            entries.append({"speaker": f"s{s:02}", "d_vector": vector.tolist()})
    (folder / "index.json").write_text(json.dumps({"entries": entries}))


def test_noise_costs_similarity_and_hides(tmp_path: Path) -> None:
    index(tmp_path)
    known, sent = halves(tmp_path / "index.json")
    assert known.shape == (40, 256) and sent.shape == (20, 256)
    rows = measure(known, sent, (math.inf, 300.0, 3.0), (10, 30, 300), repeats=5)
    clean, some, much = rows
    assert clean.epsilon is None and clean.cosine == pytest.approx(1.0, abs=1e-5)
    assert clean.identified == {"10": 100.0, "30": 100.0} and clean.eer == 0.0
    assert some.cosine == pytest.approx(1 / math.sqrt(1 + 256 * some.sigma**2), abs=0.03)
    assert much.cosine < 0.1 and much.identified["30"] < 25.0 and much.eer > 30.0


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index(tmp_path)
    assert main([str(tmp_path), "--out", str(tmp_path / "o.json"), "--repeats", "2"]) == 0
    assert "20 speakers and 20 decoys" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "o.json").read_text())["rows"]) == 6
    assert main([str(tmp_path / "none")]) == CorpusError.exit_code
