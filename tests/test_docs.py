"""Every Python snippet of the README and the docs runs, against the real voice."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
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
        timeout=120,
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
