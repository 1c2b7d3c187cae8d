"""Packs made for a test."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

NUMBERS = """%spellout-numbering:
-x: less >>;
x.x: << point >>;
0: no;
1: ba;
2: ba-ba;
3: tri;
4: =#,##0=;
10: ten[->>];
20: << ten[->>];
100: << hundred[ >>];
%feminine:
0: =%spellout-numbering=;
1: bi;
2: =%spellout-numbering=;
%spellout-numbering-year:
0: year =%spellout-numbering=;
"""

PackMaker = Callable[..., Path]


@pytest.fixture
def make_pack(tmp_path: Path) -> PackMaker:
    """Writes a pack of an invented language, "qaa" unless told; keyword arguments are its files."""

    def make(
        rules: Any = None,
        *,
        tag: str = "qaa",
        settings: Mapping[str, Any] | None = None,
        tables: Mapping[str, str] | None = None,
        numbers: str | None = NUMBERS,
        cleanup: str | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> Path:
        folder = tmp_path / tag
        (folder / "tables").mkdir(parents=True)
        pack = {
            "format": 1,
            "language": tag,
            "plurals": {"one": "i = 1 and v = 0"},
            "numbers": {"decimal_word": "point", "genders": {"f": "feminine"}},
            **(settings or {}),
        }
        (folder / "pack.json").write_text(json.dumps(pack), encoding="utf-8")
        if rules is not None:
            (folder / "rules.json").write_text(json.dumps(rules), encoding="utf-8")
        for name, text in (tables or {}).items():
            (folder / "tables" / f"{name}.tsv").write_text(text, encoding="utf-8")
        if numbers is not None:
            (folder / "numbers.rbnf").write_text(numbers, encoding="utf-8")
        if cleanup is not None:
            (folder / "cleanup.tsv").write_text(cleanup, encoding="utf-8")
        for name, raw in (files or {}).items():
            (folder / name).write_bytes(raw)
        return folder

    return make
