"""`python -m android_bridge.release`: packs the Android library, looks through archives."""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from .aar import build_aar
from .archive import PackingError, misaligned
from .telemetry import scan

BRIDGE = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m android_bridge.release", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    aar = commands.add_parser("aar", help="pack voicelet.aar, its sources and its pom")
    aar.add_argument("--bridge", type=Path, default=BRIDGE, help="the folder of the Maven modules")
    aar.add_argument("--out", type=Path, default=BRIDGE / "target", help="where to write them")
    look = commands.add_parser("scan", help="say what in an APK or AAR could talk to somebody")
    look.add_argument("archives", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    try:
        if options.command == "scan":
            return _scan(options.archives)
        written = build_aar(options.bridge, options.out)
        problems = _scan(written[:1])
    except (PackingError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    for path in written:
        content = path.read_bytes()
        print(f"{hashlib.sha256(content).hexdigest()}  {len(content):>9} bytes  {path}")
    return problems


def _scan(archives: list[Path]) -> int:
    found = [f"{path}: {line}" for path in archives for line in scan(path)]
    found += [f"{path}: {name} is misaligned" for path in archives for name in misaligned(path)]
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
