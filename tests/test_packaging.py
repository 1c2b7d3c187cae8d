"""What `pip install .` brings: the runtime, its data, and nothing heavy."""

from __future__ import annotations

import email
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import voicelet

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from a copy so that the checkout stays clean."""
    pytest.importorskip("setuptools", minversion="77")
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info", "artifacts")
    for name in ("sdk", "export", "federated"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=ignore)
    code = (
        "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(source / "dist")],
        cwd=source,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return zipfile.ZipFile(source / "dist" / done.stdout.split()[-1])


def test_all_modules_and_all_data_are_in_it(wheel: zipfile.ZipFile) -> None:
    packed = set(wheel.namelist())
    sdk = ROOT / "sdk"
    wanted = [p for p in sdk.rglob("*.py") if "__pycache__" not in p.parts]
    wanted += [p for p in (sdk / "voicelet" / "voices").rglob("*") if p.is_file()]
    wanted += [p for p in (sdk / "voicelet" / "audio").iterdir() if "silero" in p.name]
    speaker = sdk / "voicelet" / "speaker"
    models = ("phone_posteriors.onnx", "voice_match.npz", "synthetic_speech.npz", "MODELS.txt")
    wanted += [speaker / f for f in models]
    wanted.append(sdk / "voicelet" / "enrolment" / "liveness" / "words.txt")
    wanted.append(sdk / "voicelet" / "py.typed")
    missing = {str(p.relative_to(sdk)) for p in wanted} - packed
    assert not missing
    assert not [name for name in packed if name.startswith(("tests/", "benchmarks/"))]


def test_metadata(wheel: zipfile.ZipFile) -> None:
    name = next(n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
    metadata = email.message_from_bytes(wheel.read(name))
    assert metadata["Version"] == voicelet.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    runtime = [r for r in metadata.get_all("Requires-Dist") or [] if "extra ==" not in r]
    names = {r.split(">")[0].split("<")[0].split("=")[0].strip() for r in runtime}
    assert names == {"numpy", "onnxruntime", "soundfile", "unicode-rbnf", "cryptography"}
    scripts = wheel.read(name.replace("METADATA", "entry_points.txt")).decode()
    assert "voicelet = voicelet.cli.main:main" in scripts
    assert any(n.endswith("/licenses/LICENSE") for n in wheel.namelist())
