"""A small language pack, each of whose files may be a stranger's."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from voicelet.text.front_end import clauses
from voicelet.text.pack.folder import PACKAGED, open_pack

TEXT = "Ab 12 km, 'tis 3 m2. Zo №7 cab! 1.5"

SETTINGS = {
    "format": 1,
    "language": "qaa",
    "letters": "é",
    "plurals": {"one": "n = 1"},
    "numbers": {"cardinal": "n", "year": "n", "decimal_word": "komo"},
    "contraction": "'t[a-z]{1,3}",
}

RULES = {
    "macros": {"e": "(?![a-z])"},
    "sets": {"s": "ab cd"},
    "rules": [
        {
            "id": "n",
            "at": "digit|say-as:date",
            "match": "(?<n>[0-9]{1,9}) ?(?<u>{{keys:units}}){{e}}",
            "cases": [
                {"when": ["prev @s", "in u @s"], "say": "{n|spell:n} {u|of:units@n|pre:x}"},
                {"say": "{n|digits}"},
            ],
        }
    ],
}

NUMBERS = """%n:
-x: less >>;
x.x: << point >>;
0: no;
1: ba;
2: $(cardinal,one{a}other{b})$;
10: << ten[->>];
"""

LETTERS = {
    "format": 1,
    "macros": {"V": "[aeiou]"},
    "passes": [
        {
            "name": "sounds",
            "rest": "drop",
            "rules": [["", "c", "{{V}}", "s"], ["#", "b{1,3}", "", "{0}"]],
        }
    ],
}


def _bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


FILES: dict[str, bytes] = {
    "pack.json": _bytes(SETTINGS),
    "rules.json": _bytes(RULES),
    "tables/units.tsv": b"key\tone\tother\nkm\tka\tkas\nm\tma\tmas\n",
    "numbers.rbnf": NUMBERS.encode(),
    "letters.json": _bytes(LETTERS),
    "lexicon.tsv": "zo\tzˈO\nab\tæb\n".encode(),
    "cleanup.tsv": "№\tn\n".encode(),
    "inflection.json": (PACKAGED / "en" / "inflection.json").read_bytes(),
    "weak.json": (PACKAGED / "en" / "weak.json").read_bytes(),
}


def open_with(name: str, data: bytes) -> None:
    """Open the pack with other bytes as one of its files, and read a text by it."""
    with tempfile.TemporaryDirectory(prefix="voicelet-fuzz-") as folder:
        root = Path(folder) / "qaa"  # a new one each time: what is read is kept by its path
        for file, raw in {**FILES, name: data}.items():
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_bytes(raw)
        language = open_pack(root)
        for clause in islice(clauses(TEXT, language=language), 50):
            list(islice(clause.tokens, 1000))


def seeds_of(name: str) -> Iterable[bytes]:
    """The sound file."""
    return (FILES[name],)
