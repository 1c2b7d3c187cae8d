"""Three simulated devices train one model together; no recording leaves its device.

    python examples/fleet_simulation.py --work work/fleet

Prepares the sample recordings of three people, lets each device train on its own, opens only the
sum of their noised and masked updates, and shows how much of the privacy budget was spent.  Three
devices are too few for a useful epsilon: this shows the machinery, and states an epsilon that is no
guarantee (docs/reference/federated-privacy.md).  A real federation has the same server and client.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Simulate a small federation.")
    parser.add_argument("--people", type=Path, default=ROOT / "federated" / "samples")
    parser.add_argument("--base", type=Path, default=ROOT / "export" / "artifacts" / "acoustic")
    parser.add_argument("--work", type=Path, default=Path("work/fleet"))
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()

    work = args.work.resolve()
    cache, server = work / "cache", work / "server"
    people = sorted(p.name for p in args.people.iterdir() if p.is_dir())
    devices = str(len(people))
    prepare = ["voicelet-export", "corpus", "prepare", str(args.people.resolve())]
    prepare += ["--out", str(work / "packed"), "--cache", str(cache)]
    simulate = ["voicelet-federated", "simulate", "--cache", str(cache)]
    simulate += ["--base", str(args.base.resolve()), "--out", str(server)]
    simulate += ["--clients", devices, "--cohort", devices, "--minimum", devices]
    simulate += ["--rounds", str(args.rounds), "--epsilon", "1000"]
    try:
        run(*prepare)  # each device measures its recordings and lays the words along them
        run(*simulate)
        run("voicelet-federated", "status", "--state", str(server))
    except FileNotFoundError as error:
        print(f"{error.filename} is missing: pip install . ./export ./federated", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        return int(error.returncode)
    report = json.loads((server / "report.json").read_text(encoding="utf-8"))
    size = report["bytes_a_device_and_round"]
    print(f"{report['rounds_done']} of {args.rounds} rounds; {size:.0f} bytes a device and round")
    return 0


if __name__ == "__main__":
    sys.exit(main())
