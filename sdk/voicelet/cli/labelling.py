"""What commands that write speech share: labels, the spoken disclaimer, content credentials."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicelet.errors import ConfigError, OutputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from voicelet.audio.writer import AudioWriter
    from voicelet.synth import Voice
    from voicelet.trust.credentials import FileSigner

REGIONS = ("default", "eu", "us-ca", "cn", "none")
"""As in `voicelet.trust.labels`, which brings numpy; a test holds them equal."""
_PAUSE_S = 0.4


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


@dataclass(frozen=True)
class Labelling:
    """What was asked for.

    Attributes:
        region, provider: None for what the environment says.
        disclaimer: whether it is spoken.
        signer: of content credentials, if they are wanted.
    """

    region: str | None = None
    provider: str | None = None
    disclaimer: bool = False
    signer: FileSigner | None = None

    @classmethod
    def of(cls, args: argparse.Namespace, *outputs: str | None) -> Labelling:
        """Read the options, before any work.

        Args:
            outputs: files to be written; None stands for none.

        Raises:
            ConfigError: they don't go together, or an output can't hold credentials.
            TrustError: the extra for credentials isn't installed.
        """
        from voicelet.trust.labels import Label

        Label.of_settings(args.label, args.provider)
        return cls(args.label, args.provider, args.disclaimer, _signer(args, outputs))

    def introduce(
        self, voice: Voice, receive: Callable[[npt.ArrayLike], None], **options: Any
    ) -> None:
        """Give what is heard before the speech.

        Args:
            receive: takes samples.
            options: of `Voice.stream`: who speaks.
        """
        import numpy as np

        from voicelet.trust.labels import DISCLAIMER, Label

        rate = voice.bundle.manifest.sample_rate_hz
        cue = Label.of_settings(self.region, self.provider).cue(rate)
        if len(cue):
            receive(cue)
        if self.disclaimer:
            for chunk in voice.stream(DISCLAIMER, **options):
                receive(chunk.samples)
            receive(np.zeros(round(_PAUSE_S * rate), np.float32))

    def open(self, path: str | Path, voice: Voice) -> LabelledFile:
        """A file to write to; see `LabelledFile`."""
        return LabelledFile(path, voice, self)


class LabelledFile:
    """An `AudioWriter` whose file is labelled, and signed once it is whole.

    Raises:
        OutputError: as `AudioWriter`, or it can't be signed; nothing is left behind then.
    """

    def __init__(self, path: str | Path, voice: Voice, labelling: Labelling) -> None:
        from voicelet.audio.writer import AudioWriter
        from voicelet.trust.labels import Label

        manifest = voice.bundle.manifest
        self._path, self._signer = Path(path), labelling.signer
        self._label = Label.of_settings(labelling.region, labelling.provider, manifest.name)
        self._writer: AudioWriter = AudioWriter(
            path, manifest.sample_rate_hz, tags=self._label.tags()
        )

    def __enter__(self) -> AudioWriter:
        return self._writer.__enter__()

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._writer.__exit__(kind, error, trace)
        if error is None and self._signer is not None:
            from voicelet.trust.credentials import sign_file

            try:
                sign_file(self._path, self._label, self._signer)
            except BaseException as fault:
                self._path.unlink(missing_ok=True)  # unsigned isn't what was asked for
                if isinstance(fault, OSError):
                    raise OutputError(f"can't sign {str(self._path)!r}: {fault}") from fault
                raise


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
