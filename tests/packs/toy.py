"""The pack of the guide "Add a language", as somebody who follows the guide would write it."""

from __future__ import annotations

import re
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "language.md"
_FILE = re.compile(r"^`([a-z-]+/[a-z_/]+\.[a-z]+)`:\n\n```[a-z]*\n(.*?)^```$", re.M | re.S)


def guide_files() -> dict[str, str]:
    """The files that the guide has its reader write: path → text; spaces → tabs in tables."""
    files = {}
    for name, text in _FILE.findall(GUIDE.read_text(encoding="utf-8")):
        if name.endswith(".tsv"):
            text = re.sub(r" {2,}", "\t", text)
        files[name] = text
    return files


def write_toy_pack(folder: Path) -> Path:
    """Write them below `folder`; returns the pack's folder."""
    files = guide_files()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tag,) = {name.split("/")[0] for name in files}
    return folder / tag
