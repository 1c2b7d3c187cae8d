"""The house stays a house: who imports whom, how long a module is, what an import costs."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SDK = ROOT / "sdk"

_LAYERS = {
    "voicelet": {
        "errors": "",
        "config": "errors",
        "files": "errors",
        "audio": "errors config files",
        "trust": "errors config files audio",
        "bundle": "errors config files audio trust",
        "engine": "errors config",
        "text": "errors config",
        "languages": "text",
        "packs": "errors config files bundle engine text",
        "speaker": "errors config files audio trust bundle engine text",
        "profiles": "errors config files audio trust bundle speaker",
        "enrolment": "errors config files audio trust bundle engine text speaker profiles",
        "piper": "errors config files audio bundle engine text",
        "synth": "errors config files audio trust bundle engine text packs profiles piper",
        "serve": "errors config files audio trust bundle engine text packs speaker profiles "
        "enrolment piper synth",
        "cli": "*",
        "__main__": "cli",
    },
    "voicelet_export": {
        "errors": "",
        "recipes": "errors",
        "models": "errors",
        "corpus": "errors models",
        "metrics": "errors corpus",
        "train": "errors recipes models corpus metrics",
        "convert": "errors models train",
        "compress": "errors recipes models corpus train convert",
        "teach": "errors models corpus train convert",
        "report": "errors corpus metrics convert compress teach",
        "bundle": "errors models corpus train convert compress report",
        "adapt": "errors models corpus train convert",
        "pipeline": "errors models corpus train convert compress teach report bundle",
        "cli": "*",
    },
    "voicelet_federated": {
        "errors": "",
        "privacy": "errors",
        "ledger": "errors privacy",
        "sealed": "errors privacy",
        "app": "errors privacy ledger",
        "deploy": "errors app",
        "cli": "*",
    },
    "benchmarks": {
        "common": "",
        "corpora": "",
        "heldout": "corpora",
        "copies": "common corpora heldout",
        "attacks": "copies",
        "averaging": "",
        "people": "common corpora heldout",
        "peers": "common",
        "report": "common",
        "speaking": "common people peers",
        "privacy": "",
        "federated": "common people speaking privacy",
        "verification": "common corpora heldout copies attacks",
        "quality": "common copies heldout people report speaking",
        "speed": "common peers speaking",
        "melody": "",
        "homographs": "",
        "java": "common peers",
        "sentence_style": "",
        "normalization": "sentence_style",
        "watermark": "attacks averaging corpora speaking",
        "screen_reader": "speaking watermark",
        "arm64_check": "",
        "serving": "",
        "cluster": "",
    },
}
"""Distribution → package or module in it → what that may import of the same distribution.

Lowest first: each names only rows above its own, so that there can be no circle.  The table of
docs/architecture.md says the same.
"""

FOLDERS = {
    "voicelet": ROOT / "sdk",
    "voicelet_export": ROOT / "export",
    "voicelet_federated": ROOT / "federated",
    "benchmarks": ROOT,
}
"""Lowest first: a distribution imports those above its own row, and nothing points back."""

LAZY = {"voicelet": {"errors", "bundle", "trust", "profiles", "enrolment", "synth"}}
"""What the `__init__` of a distribution imports of it."""

RUNTIME_LIBRARIES = {"numpy", "onnxruntime", "soundfile", "cryptography"}
RUNTIME_LIBRARIES |= {"ai_edge_litert", "tflite_runtime"}  # optional: engine/litert.py
RUNTIME_LIBRARIES |= {"keyring"}  # optional: trust/keys/keystore.py
RUNTIME_LIBRARIES |= {"c2pa"}  # optional: content credentials, trust/credentials.py
RUNTIME_LIBRARIES |= {"onnx"}  # optional: importing a voice, piper/split.py
RUNTIME_LIBRARIES |= {
    "starlette",
    "uvicorn",
    "prometheus_client",
    "tomli",
    "wyoming",
}  # optional: serve/


TYPE_STUBS = {"typing_extensions"}
"""Every type checker brings it; the runtime doesn't: allowed under `if TYPE_CHECKING` alone."""


def modules(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*.py") if "__pycache__" not in p.parts)


def dotted(path: Path, base: Path) -> str:
    parts = path.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def for_types_only(tree: ast.Module) -> set[ast.AST]:
    """Everything inside `if TYPE_CHECKING:`, which is never run."""
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }


def imports(path: Path, base: Path, exact: bool = False) -> set[str]:
    """Every module that `path` imports, at its top, inside functions or for types.

    Args:
        exact: leave out what is only for types, and say of `from a import b` only `a.b` where that
            is a module.
    """
    package = dotted(path, base).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    found: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = for_types_only(tree) if exact else set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [origin, node.module or ""]))
            for alias in node.names:  # `from voicelet import bundle` imports voicelet.bundle
                candidate = base.joinpath(*module.split("."), alias.name)
                inner = candidate.is_dir() or candidate.with_suffix(".py").is_file()
                if inner:
                    found.add(f"{module}.{alias.name}")
                if not (inner and exact):
                    found.add(module)
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


def allowed_parts(distribution: str, part: str) -> set[str]:
    """Names of the parts of `distribution` that its `part` may import."""
    if not part:
        return LAZY.get(distribution, set())
    layers = _LAYERS[distribution]
    assert part in layers, f"{distribution}.{part} has no row in docs/architecture.md"
    below = set(layers) if layers[part] == "*" else set(layers[part].split())
    return below | {part}


def exists(module: str) -> bool:
    """Whether `module`, of one of the distributions, is a file or a folder."""
    path = FOLDERS[module.split(".")[0]].joinpath(*module.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


_MODULES = [
    pytest.param(distribution, path, id=dotted(path, base))
    for distribution, base in FOLDERS.items()
    for path in modules(base / distribution)
]


@pytest.mark.parametrize(("distribution", "path"), _MODULES)
def test_arrows(distribution: str, path: Path) -> None:
    module = dotted(path, FOLDERS[distribution])
    part = ".".join(module.split(".")[1:2])
    order = list(FOLDERS)
    lower = order[: order.index(distribution)]
    allowed = allowed_parts(distribution, part)
    for name in imports(path, FOLDERS[distribution]):
        top, _, rest = name.partition(".")
        if top in order:
            assert top == distribution or top in lower, f"{module} imports {name}"
            assert exists(name), f"{module} imports {name}, which isn't there"
            # A command line is for people; the command lines above may share its parts.
            assert part in ("cli", "__main__") or not rest.startswith("cli"), (
                f"{module} imports {name}"
            )
        if top == distribution:
            # `from voicelet import __version__` names the distribution itself.
            assert not rest or rest.split(".")[0] in allowed, f"{module} imports {name}"
        elif distribution == "voicelet":
            known = top in sys.stdlib_module_names or top in RUNTIME_LIBRARIES
            known = known or (top in TYPE_STUBS and top not in imported_to_run(path))
            assert known, f"{module} imports {name}, which the runtime doesn't depend on"


@pytest.mark.parametrize("distribution", list(_LAYERS))
def test_the_table_has_no_circle(distribution: str) -> None:
    above: set[str] = set()
    for part, below in _LAYERS[distribution].items():
        assert below == "*" or set(below.split()) <= above, f"{part} names a row under its own"
        above.add(part)


@pytest.mark.parametrize("distribution", list(FOLDERS))
def test_modules_go_round_in_no_circle(distribution: str) -> None:
    base = FOLDERS[distribution]
    paths = {dotted(path, base): path for path in modules(base / distribution)}
    graph = {
        module: {n for n in imports(path, base, exact=True) if n in paths and n != module}
        for module, path in paths.items()
    }
    left = dict(graph)
    while leaves := [module for module, names in left.items() if not names & left.keys()]:
        for module in leaves:
            del left[module]
    assert not left, f"these import one another, or what does: {sorted(left)}"


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
    path.write_text("if TYPE_CHECKING:\n    from voicelet import synth\nimport voicelet.text.b\n")
    assert "voicelet.synth" in imports(path, tmp_path)
    assert imports(path, tmp_path, exact=True) == {"voicelet.text.b"}
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
    for name, length in lengths.items():
        if length > 400:
            warnings.warn(f"{name} has {length} lines: is it one idea?", stacklevel=1)
    assert not {name: n for name, n in lengths.items() if n > 600}


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
