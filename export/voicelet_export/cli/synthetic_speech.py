"""The arguments of `voicelet-export synthetic-speech`."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

DEFAULT_OUT = Path("sdk/voicelet/speaker/synthetic_speech.npz")


def add_synthetic_command(commands: Any) -> None:
    """Add `synthetic-speech` to the subcommands of `voicelet-export`."""
    parser = commands.add_parser(
        "synthetic-speech", help="train the runtime's detector of synthetic speech"
    )
    parser.add_argument(
        "--clips", type=Path, required=True, help="folder of train/KIND/SPEAKER-NUMBER.flac"
    )
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from voicelet.files import atomic_file
    from voicelet.speaker.synthetic_speech import encode_weights
    from voicelet_export.train.synthetic_speech import examples, read_clips, train_weights

    found = examples(read_clips(args.clips / "train"))
    log.info("%d pieces, %d of them synthetic", len(found.synthetic), int(found.synthetic.sum()))
    weights = train_weights(found)
    with atomic_file(args.out) as file:
        file.write(encode_weights(weights))
    log.info("%s: scale %.3f, offset %.3f", args.out, weights.scale, weights.offset)
