"""The options of commands that write speech: labels, the disclaimer, content credentials."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from voicelet.errors import ConfigError

if TYPE_CHECKING:
    from voicelet.synth.labelling import Labelling
    from voicelet.trust.credentials import FileSigner

REGIONS = ("default", "eu", "us-ca", "cn", "none")
"""As in `voicelet.trust.labels`, which brings numpy; a test holds them equal."""


def add_label_options(parser: argparse.ArgumentParser) -> None:
    """Add `--label`, `--provider`, `--disclaimer`, `--credentials` and `--signer`."""
    group = parser.add_argument_group("labels (docs/reference/trust.md)")
    group.add_argument("--label", choices=REGIONS, help="what the law where it is heard asks for")
    group.add_argument("--provider", metavar="NAME", help="who answers for the speech")
    group.add_argument(
        "--disclaimer", action="store_true", help="begin by saying that a computer speaks"
    )
    group.add_argument(
        "--credentials",
        action="store_true",
        help="sign the file as this device (C2PA; .wav, .flac, .mp3)",
    )
    group.add_argument(
        "--signer",
        nargs=2,
        metavar=("CERTS", "KEY"),
        help="sign it with a certificate of your own (PEM)",
    )


def labelling_of(args: argparse.Namespace, *outputs: str | None) -> Labelling:
    """Read the options, before any work.

    Args:
        outputs: files to be written; None stands for none.

    Raises:
        ConfigError: they don't go together, or an output can't hold credentials.
        TrustError: the extra for credentials isn't installed.
    """
    from voicelet.synth.labelling import Labelling
    from voicelet.trust.labels import Label

    Label.of_settings(args.label, args.provider)
    return Labelling(args.label, args.provider, args.disclaimer, _signer(args, outputs))


def _signer(args: argparse.Namespace, outputs: tuple[str | None, ...]) -> FileSigner | None:
    if not args.credentials and args.signer is None:
        return None
    from voicelet.trust import credentials

    if not any(outputs):
        raise ConfigError("content credentials go into files; add -o FILE")
    for output in outputs:
        if output is not None:
            credentials.mime_type(Path(output))
    credentials.check_available()
    if args.signer is not None:
        return credentials.file_signer(*args.signer)
    return credentials.device_signer()
