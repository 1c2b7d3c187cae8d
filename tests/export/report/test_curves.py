"""The curves of a run that was cut off and resumed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from voicelet_export.report.curves import plot_runs, read_log


def _log(folder: Path, rows: list[dict[str, float | str]]) -> Path:
    folder.mkdir()
    (folder / "log.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return folder


def test_a_step_logged_twice_counts_once(tmp_path: Path) -> None:
    rows: list[dict[str, float | str]] = [
        {"kind": "train", "step": 20, "mel": 1.0},
        {"kind": "train", "step": 40, "mel": 0.9},
        {"kind": "train", "step": 40, "mel": 0.8},
        {"kind": "valid", "step": 40, "mel": 0.7},
    ]
    log = read_log(_log(tmp_path / "run", rows))
    assert log["train"]["mel"] == [(20, 1.0), (40, 0.8)]
    assert log["valid"]["mel"] == [(40, 0.7)]


def test_curves_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rows: list[dict[str, float | str]] = [
        {"kind": "train", "step": 20 * i, "mel": 1.0 / i} for i in range(1, 9)
    ]
    plot_runs([_log(tmp_path / "a", rows), _log(tmp_path / "b", rows)], ["mel"], tmp_path / "c.png")
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
