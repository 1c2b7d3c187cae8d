"""Make trust.json.gz: keys, bundles, consents and an audit log that all runtimes judge alike.

    python tests/golden/make_trust_golden.py

Keys come from fixed seeds and times are fixed, so that the file is the same wherever it is made,
and a runtime that writes the same things has to write the same bytes.  Bytes are base64; a case's
`error` is the name of the error's class without "Error", or null.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "sdk"), str(ROOT)]

from tests.golden.trust_audit import make_audit  # noqa: E402
from tests.golden.trust_bundles import make_bundles  # noqa: E402
from tests.golden.trust_consents import make_consents  # noqa: E402
from tests.golden.trust_seeds import DEVICE, MAKER, OTHER, THIRD, b64  # noqa: E402

GOLDEN = Path(__file__).with_name("trust.json.gz")


def make_keys() -> dict[str, Any]:
    """Signatures, and the files of a device's key, which are left in this run's home."""
    from voicelet.trust.keys import device_key, keystore, seal

    rows = []
    for seed in (DEVICE, OTHER, THIRD, MAKER):
        key = seal.signing_key_from_bytes(seed)
        for context, data in (("voicelet-consent-1", b""), ("a.b-1", bytes(range(256)))):
            rows.append(
                {
                    "seed": b64(seed),
                    "public": key.public_key().public_bytes_raw().hex(),
                    "context": context,
                    "data": b64(data),
                    "signature": seal.sign(key, context, data).hex(),
                }
            )
    folder = keystore.keys_folder()
    with mock.patch.object(
        device_key, "new_signing_key", lambda: seal.signing_key_from_bytes(DEVICE)
    ):
        device_key.device_key()
    files = {p.name: b64(p.read_bytes()) for p in sorted(folder.glob("device*"))}
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    pem = seal.signing_key_from_bytes(OTHER).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    return {"signatures": rows, "files": files, "pem": pem.decode()}


def make() -> str:
    """The file's text; made in folders of its own, which are gone afterwards."""
    with tempfile.TemporaryDirectory() as home:
        names = {f"XDG_{n}_HOME": str(Path(home) / n) for n in ("DATA", "CACHE", "STATE")}
        fixed = {"HOME": home, "VOICELET_KEYSTORE": "file", "VOICELET_AUDIT": "off"}
        with mock.patch.dict(os.environ, {**names, **fixed}):
            golden = {
                "keys": make_keys(),
                "bundles": make_bundles(Path(home)),
                "consents": make_consents(Path(home)),
                "audit": make_audit(Path(home)),
            }
    return json.dumps(golden, separators=(",", ":"))


def main() -> None:
    """Make the file."""
    text = make()
    with open(GOLDEN, "wb") as file:
        file.write(gzip.compress(text.encode(), mtime=0))
    print(f"{GOLDEN}: {len(text)} characters")


if __name__ == "__main__":
    main()
