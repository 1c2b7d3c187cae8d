"""Give the three distributions one version: `make version NEW=0.2.0`.

`voicelet.__version__` is the version.  voicelet-export and voicelet-federated are built from their
own folders alone and can't read it there, so they state it too, and require exactly that voicelet.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_VERSION = r'"[^"]+"'
PLACES = {
    "sdk/voicelet/__init__.py": (rf"(?m)^(__version__ = ){_VERSION}",),
    "export/pyproject.toml": (rf"(?m)^(version = ){_VERSION}", r'(    "voicelet==)[^"]+"'),
    "federated/pyproject.toml": (
        rf"(?m)^(version = ){_VERSION}",
        r'(    "voicelet==)[^"]+"',
        r'(    "voicelet-export==)[^"]+"',
    ),
}
"""File → patterns; each is in it once."""


def main(version: str) -> None:
    """Write `version` everywhere, or nothing if a place isn't found.

    Raises:
        SystemExit: it isn't a version, or a file doesn't have the line that it should.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+|\.dev\d+)?", version):
        raise SystemExit(f"{version!r} is no version; write it as 0.2.0 or 0.2.0rc1")
    written = {}
    for name, patterns in PLACES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        for pattern in patterns:
            quote = '"' if pattern.endswith(_VERSION) else ""
            text, count = re.subn(pattern, rf'\g<1>{quote}{version}"', text)
            if count != 1:
                raise SystemExit(f"{name}: {count} lines match {pattern}; there must be one")
        written[name] = text
    for name, text in written.items():
        (ROOT / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: set_version.py VERSION")
    main(sys.argv[1])
