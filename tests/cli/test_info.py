"""`voicelet info`, `bench` and the progress bar."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.cli.conftest import Cli
from tests.tiny import TINY_FILES, tiny_bundle
from voicelet import __version__
from voicelet.cli import progress as progress_module
from voicelet.cli.progress import Progress
from voicelet.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]


def test_version_and_help(cli: Cli) -> None:
    assert cli("--version") == (0, f"voicelet {__version__}\n", "")
    code, out, _ = cli("--help")
    assert code == 0
    for command in ("say", "enrol", "voices", "profiles", "consent", "info", "bench", "demo"):
        assert f"\n    {command}" in out
        assert cli(command, "--help")[0] == 0
    assert cli()[0] == 2


def test_info_describes_and_verifies(cli: Cli) -> None:
    code, out, _ = cli("info", str(cli.bundle))
    assert code == 0
    assert "tiny 1" in out and "all match" in out and "nobody" in out and "vocoder.onnx" in out
    code, out, _ = cli("info", str(cli.bundle), "--json")
    report = json.loads(out)
    assert report["graphs"]["vocoder"]["context_frames"] == 8
    assert report["data"]["lexicon"]["bytes"] == len(TINY_FILES["text/lexicon.txt"])
    assert report["signed_by"] is None

    (cli.bundle / "vocoder.onnx").write_bytes(b"x" * 5)
    code, out, err = cli("info", str(cli.bundle))
    assert (code, out) == (34, "") and "truncated" in err


def test_info_checks_signatures(cli: Cli, tmp_path: object) -> None:
    assert cli("info", str(cli.bundle), "--require-signature")[0] == 35
    key = Ed25519PrivateKey.generate()
    signed = str(tiny_bundle(cli.bundle.parent / "signed", key))
    public = key.public_key().public_bytes_raw().hex()
    code, out, _ = cli("info", signed, "--trusted-key", public.upper())
    assert code == 0 and public in out
    assert cli("info", signed, "--trusted-key", "00" * 32)[0] == 31


def test_bench_reports_medians(cli: Cli) -> None:
    code, out, _ = cli("bench", "--repeat", "3", "--text", "one two", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["runs"] == 3 and report["seconds"] == pytest.approx(0.2)
    assert report["bundle_mb"] == pytest.approx(sum(map(len, TINY_FILES.values())) / 1e6, abs=1e-4)
    assert report["rtf"] >= 0
    assert report["wall_seconds"] == pytest.approx(0.2 * report["rtf"], abs=2e-4)
    assert report["cpu_seconds"] >= 0
    code, out, _ = cli("bench", "--repeat", "1", "--text", "one")
    assert code == 0 and "first_audio_ms" in out
    assert cli("bench", "--repeat", "0")[0] == 2
    assert cli("bench", "--text", "nothing")[0] == 10


def test_python_m_voicelet_is_the_command() -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "voicelet", *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT / "sdk")},
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert run("--version").stdout == f"voicelet {__version__}\n"
    refused = run("say")
    assert refused.returncode == ConfigError.exit_code
    assert refused.stderr.startswith("voicelet: nothing to say")


def test_progress_waits_two_seconds_then_shows_and_clears(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    with Progress("speaking", enabled=True, stream=stream) as bar:
        now[0] = 1.9
        bar.update(0.25)
        assert stream.getvalue() == ""
        now[0] = 4.0
        bar.update(0.25)
        assert " 25% 0:12 left" in stream.getvalue()
        drawn = len(stream.getvalue())
        now[0] = 4.01
        bar.update(0.26)
        assert len(stream.getvalue()) == drawn
        now[0] = 5.0
        bar.update(7.0, "almost")
        assert "100%" in stream.getvalue() and "almost" in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_progress_is_silent_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    with Progress("speaking", stream=stream) as bar:
        now[0] = 100.0
        bar.update(0.5)
    assert stream.getvalue() == ""
