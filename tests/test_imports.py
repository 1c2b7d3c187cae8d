"""The house stays a house: who imports whom, how long a module is, what an import costs."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SDK = ROOT / "sdk"

_LAYERS = {
    "voicelet.errors": "",
    "voicelet.config": "errors",
    "voicelet.files": "errors",
    "voicelet.audio": "errors config files",
    "voicelet.trust": "errors config files audio",
    "voicelet.bundle": "errors config files audio trust",
    "voicelet.engine": "errors config",
    "voicelet.text": "errors config",
    "voicelet.languages": "text",
    "voicelet.speaker": "errors config files audio trust bundle engine text",
    "voicelet.profiles": "errors config files audio trust bundle speaker",
    "voicelet.enrolment": "errors config audio trust bundle engine text speaker profiles",
    "voicelet.piper": "errors config files audio bundle engine text",
    "voicelet.synth": "errors config files audio trust bundle engine text profiles piper",
}
"""Package → what it may import besides itself (the table of docs/architecture.md)."""

MAY_IMPORT = {
    part: {f"voicelet.{name}" for name in below.split()} for part, below in _LAYERS.items()
}
MAY_IMPORT["voicelet.serve"] = set(MAY_IMPORT)
MAY_IMPORT["voicelet.cli"] = {"voicelet"}
MAY_IMPORT["voicelet.__main__"] = {"voicelet.cli"}
MAY_IMPORT["voicelet"] = {  # lazily
    f"voicelet.{name}" for name in ("errors", "bundle", "trust", "profiles", "enrolment", "synth")
}

RUNTIME_LIBRARIES = {"numpy", "onnxruntime", "soundfile", "unicode_rbnf", "cryptography"}
RUNTIME_LIBRARIES |= {"ai_edge_litert", "tflite_runtime"}  # optional: engine/litert.py
RUNTIME_LIBRARIES |= {"keyring"}  # optional: trust/keys/keystore.py
RUNTIME_LIBRARIES |= {"c2pa"}  # optional: content credentials, trust/credentials.py
RUNTIME_LIBRARIES |= {"onnx"}  # optional: importing a voice, piper/split.py


TYPE_STUBS = {"typing_extensions"}
"""Every type checker brings it; the runtime doesn't: allowed under `if TYPE_CHECKING` alone."""


def modules(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*.py") if "__pycache__" not in p.parts)


def dotted(path: Path, base: Path) -> str:
    parts = path.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, base: Path) -> set[str]:
    """Every module that `path` imports, at its top, inside functions or for types."""
    package = dotted(path, base).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [origin, node.module or ""]))
            found.add(module)
            for alias in node.names:  # `from voicelet import bundle` imports voicelet.bundle
                candidate = base.joinpath(*module.split("."), alias.name)
                if candidate.is_dir() or candidate.with_suffix(".py").is_file():
                    found.add(f"{module}.{alias.name}")
    return found


def imported_to_run(path: Path) -> set[str]:
    """The libraries that a module imports when it runs, not for types alone."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue
            if isinstance(child, ast.Import):
                found.update(alias.name.split(".")[0] for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                found.add(child.module.split(".")[0])
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def within(module: str, packages: set[str]) -> bool:
    return any(module == p or module.startswith(p + ".") for p in packages)


def part_of(module: str) -> str:
    """`voicelet.text.phones` → `voicelet.text`."""
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("path", modules(SDK), ids=lambda p: dotted(p, SDK))
def test_arrows(path: Path) -> None:
    module = dotted(path, SDK)
    part = part_of(module)
    assert part in MAY_IMPORT, f"{part} has no row in docs/architecture.md"
    allowed = MAY_IMPORT[part] | ({part} if part != "voicelet" else set())
    for name in imports(path, SDK):
        top = name.split(".")[0]
        if top == "voicelet":
            # `from voicelet import __version__` names the package itself.
            assert name == "voicelet" or within(name, allowed), f"{module} imports {name}"
        else:
            known = top in sys.stdlib_module_names or top in RUNTIME_LIBRARIES
            known = known or (top in TYPE_STUBS and top not in imported_to_run(path))
            assert known, f"{module} imports {name}, which the runtime doesn't depend on"


def test_the_checker_sees_every_kind_of_import(tmp_path: Path) -> None:
    package = tmp_path / "voicelet" / "text"
    (tmp_path / "voicelet" / "synth").mkdir(parents=True)
    package.mkdir()
    path = package / "a.py"
    path.write_text(
        "import torch.nn\nfrom .. import synth\nfrom . import b\n"
        "def f():\n    from voicelet.cli.main import main\n"
    )
    found = imports(path, tmp_path)
    assert {"torch.nn", "voicelet.synth", "voicelet.text", "voicelet.cli.main"} <= found
    path.write_text("if TYPE_CHECKING:\n    import a\nimport c.d\n")
    assert imported_to_run(path) == {"c"}
    path.write_text("if TYPE_CHECKING:\n    import a\ndef f():\n    from a.b import c\n")
    assert imported_to_run(path) == {"a"}


@pytest.mark.parametrize("folder", ["sdk", "export", "federated", "benchmarks"])
def test_modules_are_short(folder: str) -> None:
    lengths = {
        str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines())
        for p in modules(ROOT / folder)
    }
    too_long = {name: n for name, n in lengths.items() if n > 400}
    assert not too_long


def run_python(code: str) -> str:
    """Run `code` in a fresh interpreter that sees the sources."""
    path = [str(ROOT / "sdk"), str(ROOT / "export")]
    preamble = f"import sys; sys.path[:0] = {path!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", preamble + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_opens_no_model_and_no_engine() -> None:
    out = run_python(
        """
        opened = []
        def watch(event, args):
            if event == "open":
                opened.append(str(args[0]))
        sys.addaudithook(watch)
        import voicelet
        assert voicelet.__version__
        heavy = {"onnxruntime", "torch", "soundfile", "cryptography", "numpy", "voicelet_export",
                 "voicelet_federated", "benchmarks"} & set(sys.modules)
        assert not heavy, heavy
        models = [p for p in opened if "voices" in p or p.endswith((".onnx", "manifest.json"))]
        assert not models, models
        print("fine")
        """
    )
    assert out.strip() == "fine"


def test_the_command_line_parses_without_engine_or_numpy() -> None:
    out = run_python(
        """
        from voicelet.cli.main import build_parser
        build_parser().parse_args(["say", "hello", "-o", "out.wav"])
        print(sorted({"onnxruntime", "numpy", "soundfile", "voicelet.synth"} & set(sys.modules)))
        """
    )
    assert out.strip() == "[]"


def test_unknown_names_are_attribute_errors() -> None:
    import voicelet

    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        voicelet.nonsense  # noqa: B018
    assert set(voicelet.__all__) <= set(dir(voicelet))
