"""Bundles are measured again, and false claims found."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from voicelet.bundle import open_bundle, write_bundle
from voicelet.errors import BundleError, BundleUnsignedError, ConfigError
from voicelet_export.bundle.check import (
    TOLERANCES,
    Tolerance,
    VerifyConfig,
    compare,
    verify_bundle,
)
from voicelet_export.cli.main import main
from voicelet_export.report.figures import weights_and_work


@pytest.fixture(scope="module")
def claimed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default voice with claims that are true on every machine."""
    source = open_bundle()
    figures = {**weights_and_work(source), "wer_percent_default_voice": 1.9}
    files: dict[str, Path | bytes] = {f.file: source.root / f.file for f in source.manifest.files()}
    out = tmp_path_factory.mktemp("claims") / "bundle"
    write_bundle(out, replace(source.manifest, measured=figures), files)
    return out


def test_the_default_voice_has_the_figures_it_should(claimed: Path) -> None:
    found = open_bundle(claimed).manifest.measured
    assert found["size_mb"] == pytest.approx(9.8, abs=0.1)
    # Counted by hand: 3.9 M of the acoustic model, 1.9 M of the vocoder, 1.4 M of the speaker
    # encoder, and the letter-to-sound model.
    assert found["parameters_m"] == pytest.approx(7.5, abs=0.3)
    assert 250.0 < found["madds_m_per_s"] < 400.0


def test_true_claims_pass_and_what_isnt_measured_is_said(claimed: Path) -> None:
    config = VerifyConfig(claimed, count=1, repeats=1, against=claimed, judge=False)
    report = verify_bundle(config)
    checks = {c.name: c for c in report.checks}
    assert report.ok
    assert checks["repeat_difference"].found == 0.0
    assert checks["stream_difference"].found <= 1e-3  # type: ignore[operator]
    for name in ("size_mb", "parameters_m", "madds_m_per_s"):
        assert checks[name].status == "pass"
    assert checks["wer_percent_default_voice"].status == "not measured"
    assert checks["rtf_ratio_to_teacher"].status == "no claim"
    assert checks["rtf_ratio_to_teacher"].found > 0.0  # type: ignore[operator]


def test_a_false_claim_fails_with_exit_code_1(
    claimed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = open_bundle(claimed)
    files: dict[str, Path | bytes] = {f.file: source.root / f.file for f in source.manifest.files()}
    measured = {**source.manifest.measured, "size_mb": 9.5}
    write_bundle(tmp_path / "b", replace(source.manifest, measured=measured), files)
    options = ["--count", "1", "--repeats", "0", "--no-judges"]
    assert main(["verify", str(tmp_path / "b"), *options]) == 1
    found = capsys.readouterr()
    assert "size_mb" in found.err
    assert "fail" in found.out
    assert main(["verify", str(tmp_path / "b"), *options, "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["ok"] is False
    assert [c["name"] for c in data["checks"] if c["status"] == "fail"] == ["size_mb"]


def test_a_tampered_or_unsigned_bundle_isnt_measured(claimed: Path, tmp_path: Path) -> None:
    shutil.copytree(claimed, tmp_path / "b")
    with open(tmp_path / "b" / "vocoder.onnx", "r+b") as file:
        file.write(b"?")
    with pytest.raises(BundleError, match=r"vocoder\.onnx"):
        verify_bundle(VerifyConfig(tmp_path / "b"))
    with pytest.raises(BundleUnsignedError):
        verify_bundle(VerifyConfig(claimed, require_signature=True))


def test_tolerances_are_one_sided() -> None:
    wrong, good = Tolerance(True, absolute=1.0), Tolerance(False, absolute=0.1)
    assert wrong.allows(2.9, 1.9)
    assert wrong.allows(0.0, 1.9)
    assert not wrong.allows(3.0, 1.9)
    assert good.allows(3.75, 3.85)
    assert good.allows(4.9, 3.85)
    assert not good.allows(3.7, 3.85)
    assert Tolerance(True, relative=0.5).allows(0.15, 0.1)
    assert not Tolerance(True, relative=0.5).allows(0.16, 0.1)


def test_limits_hold_whatever_is_claimed(claimed: Path) -> None:
    limits = {"size_mb": 9.0, "parameters_m": 20.0, "p808_default_voice": 3.0}
    config = VerifyConfig(claimed, count=1, repeats=0, judge=False, limits=limits)
    checks = {c.name: c.status for c in verify_bundle(config).checks}
    assert checks["size_mb"] == "pass"
    assert checks["size_mb (limit)"] == "fail"
    assert checks["parameters_m (limit)"] == "pass"
    assert checks["p808_default_voice (limit)"] == "not measured"
    with pytest.raises(ConfigError, match="did you mean 'size_mb'"):
        VerifyConfig(claimed, limits={"size_kb": 1.0})


def test_every_figure_is_listed_once() -> None:
    rows = compare({"size_mb": 9.0, "rtf": 0.02}, {"size_mb": 9.0, "p808_default_voice": 3.9})
    assert [(r.name, r.status) for r in rows] == [
        ("size_mb", "pass"),
        ("rtf", "no claim"),
        ("p808_default_voice", "not measured"),
    ]
    assert all(str(t) for t in TOLERANCES.values())
