"""Make profiles/*.json.gz: profiles, vaults, exports and backups that every runtime opens.

    python tests/golden/make_profiles_golden.py

Voices, consents and times are fixed.  Keys and nonces of what is encrypted are fresh, for nothing
may choose them, so those files differ each time; what is in them doesn't.  Bytes are base64; a
case's `error` is the name of the error's class without "Error", or null.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "sdk"), str(ROOT)]

from tests.golden.profile_cases import make_profiles  # noqa: E402
from tests.golden.seal_cases import make_sealed  # noqa: E402
from tests.golden.vault_cases import make_vaults  # noqa: E402

FOLDER = Path(__file__).with_name("profiles")


def main() -> None:
    """Make the files."""
    with tempfile.TemporaryDirectory() as home:
        names = {f"XDG_{n}_HOME": str(Path(home) / n) for n in ("DATA", "CACHE", "STATE")}
        fixed = {"HOME": home, "VOICELET_KEYSTORE": "file", "VOICELET_AUDIT": "off"}
        os.environ.update({**names, **fixed})
        os.environ.pop("VOICELET_PASSPHRASE", None)
        parts = {"profiles": make_profiles, "vaults": make_vaults, "sealed": make_sealed}
        FOLDER.mkdir(exist_ok=True)
        for name, make in parts.items():
            text = json.dumps(make(), sort_keys=True, separators=(",", ":"))
            data = gzip.compress(text.encode(), mtime=0)
            (FOLDER / f"{name}.json.gz").write_bytes(data)
            print(f"{name}: {len(text)} characters, {len(data)} bytes")


if __name__ == "__main__":
    main()
