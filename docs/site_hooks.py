"""Hooks of mkdocs: pages of the repository outside `docs/` join the site, links to them hold.

The files stay where a reader of the repository looks for them (`CHANGELOG.md`, the log of the
training, …).  A link to any other file of the repository becomes its path as text, for the site
doesn't know where the repository is published.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent

GUESTS = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "export/TRAINING.md": "training.md",
    "sdk/voicelet/voices/default/MODEL_CARD.md": "model-card.md",
}
"""File of the repository → page of the site."""

_LINK = re.compile(r"\[([^\]]*)\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie outside `docs/`."""
    for source, page in GUESTS.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Turn links between files of the repository into links between pages of the site."""
    here = page.file.src_uri
    origin = {guest: source for source, guest in GUESTS.items()}.get(here, f"docs/{here}")

    def translated(match: re.Match[str]) -> str:
        text, target, anchor = match[1], match[2], match[3] or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), target))
        if path in GUESTS:
            path = f"docs/{GUESTS[path]}"
        if not path.startswith("docs/"):
            return f"{text} (`{path}`)"
        relative = posixpath.relpath(path.removeprefix("docs/"), posixpath.dirname(here) or ".")
        return f"[{text}]({relative}{anchor})"

    return _LINK.sub(translated, markdown)
