"""Measure folders of wavs that their `texts.tsv` lists; leave `score.json` in each.

    python -m voicelet_export.metrics FOLDER...

The packages of the metrics may be those of another Python than the one that trains
(`benchmarks/setup.sh` sets one up), which is why this is a program.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from voicelet.errors import VoiceletError
from voicelet_export.metrics.base import bench_home
from voicelet_export.metrics.cache import Cache
from voicelet_export.metrics.folder import read_folder
from voicelet_export.metrics.scoring import Metrics, score_clips


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 1 with a message."""
    parser = argparse.ArgumentParser(
        prog="python -m voicelet_export.metrics", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--no-cache", action="store_true", help="measure again what was measured")
    args = parser.parse_args(argv)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    metrics = Metrics(Cache(None if args.no_cache else bench_home() / "cache"))
    try:
        for folder in args.folders:
            score = score_clips(folder.resolve().name, read_folder(folder), metrics)
            (folder / "score.json").write_text(json.dumps(score.mapping(), indent=1), "utf-8")
    except VoiceletError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
