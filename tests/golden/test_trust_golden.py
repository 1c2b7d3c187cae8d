"""What the other runtimes are held to in trust is what Python does today."""

from __future__ import annotations

import gzip
import json
from typing import Any

from tests.golden.make_trust_golden import GOLDEN, make


def _comparable(text: str) -> dict[str, Any]:
    golden: dict[str, Any] = json.loads(text)
    for row in golden["bundles"]["archives"]:
        del row["archive"]  # its bytes are those of one version of zlib
    return golden


def test_the_golden_file_is_what_python_makes_today() -> None:
    kept = _comparable(gzip.decompress(GOLDEN.read_bytes()).decode())
    assert kept == _comparable(make()), (
        "python tests/golden/make_trust_golden.py makes it anew, if the change is meant"
    )
