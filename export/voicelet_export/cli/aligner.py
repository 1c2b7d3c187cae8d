"""The arguments of `voicelet-export aligner`."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError

log = logging.getLogger(__name__)

DEFAULT_OUT = Path("sdk/voicelet/speaker/phone_posteriors.onnx")


def add_aligner_command(commands: Any) -> None:
    """Add `aligner` to the subcommands of `voicelet-export`."""
    parser = commands.add_parser(
        "aligner", help="make the runtime's phone posterior graph of an aligner's weights"
    )
    parser.add_argument("--aligner", type=Path, required=True, help="aligner.safetensors")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    parser.add_argument("--precision", choices=["int8", "fp32"], default="int8")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from safetensors import SafetensorError

    from voicelet_export.convert.aligner import to_onnx
    from voicelet_export.models.aligner import load_aligner

    try:
        model = load_aligner(args.aligner)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ConfigError(f"{args.aligner} holds no aligner ({error})") from error
    size = to_onnx(model, args.out, int8=args.precision == "int8")
    log.info("%s: %.0f kB", args.out, size / 1000)
