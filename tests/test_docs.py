"""README and docs: snippets run against the real voice, links lead somewhere, lists are whole."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += [ROOT / "examples" / "README.md", ROOT / "export" / "TRAINING.md"]
_SNIPPET = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _snippets() -> list[object]:
    found: list[object] = []
    for page in PAGES:
        for index, match in enumerate(_SNIPPET.finditer(page.read_text(encoding="utf-8"))):
            found.append(pytest.param(match.group(1), id=f"{_name(page)}-{index}"))
    return found


@pytest.mark.parametrize("code", _snippets())
def test_a_snippet_runs(code: str, tmp_path: Path) -> None:
    # Snippets name the sample recordings by the paths of a checkout, and may write beside them.
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "sdk")},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{_name(page)} links to {target}"


def test_the_readme_has_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text


def _strings(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_one_page_lists_every_environment_variable_that_the_code_reads() -> None:
    name = re.compile(
        r"(VOICELET|XDG)_[A-Z_]*[A-Z]|ORT_DISABLE_TELEMETRY|SOURCE_DATE_EPOCH|LOCALAPPDATA"
    )
    code = {
        string
        for folder in ("sdk", "export", "federated", "benchmarks", "tests")
        for source in (ROOT / folder).rglob("*.py")
        for string in _strings(source)
        if name.fullmatch(string)
    }
    code -= {"XDG_RUNTIME_DIR"}  # tests set it; nothing reads it
    page = (ROOT / "docs" / "reference" / "environment.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| (.+?) \|", page, re.MULTILINE))
    listed = {match[0] for row in listed for match in name.finditer(row)}
    assert listed == code


def test_what_architecture_says_to_register_in_is_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\w+)`(?: and `\w+`)? in `([\w/.…]+\.py)`", page)
    assert {name for name, _ in named} >= {
        "ARCHITECTURES", "ENGINES", "COMMANDS", "LAYOUTS", "STAGES",
        "open_watermark", "open_teacher",
    }  # fmt: skip
    for name, place in named:
        top, _, below = place.partition("/…/")
        path = ROOT / top / f"voicelet_{top}" / below if below else ROOT / "sdk/voicelet" / place
        defined = rf"^ *(def {name}\(|class {name}\b|{name}\b.* = )"
        assert re.search(defined, path.read_text("utf-8"), re.MULTILINE), f"{name} in {place}"


def _pages(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    else:
        for item in nav.values() if isinstance(nav, dict) else nav:
            yield from _pages(item)


def test_every_page_is_linked_from_the_navigation_once() -> None:
    yaml = pytest.importorskip("yaml")
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    linked = sorted(_pages(site["nav"]))
    docs = ROOT / "docs"
    written = {p.relative_to(docs).as_posix() for p in docs.rglob("*.md")}
    # Pages that the hooks bring in from elsewhere in the repository.
    guests = {"changelog.md", "contributing.md", "security.md", "training.md", "model-card.md"}
    assert linked == sorted(written | guests)
