"""Speech into files that say what they are: labels, the spoken disclaimer, content credentials."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.audio.writer import AudioWriter
from voicelet.errors import OutputError
from voicelet.synth.options import SpeechOptions, SpeechSettings, speech_options
from voicelet.trust.labels import DISCLAIMER, Label

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from voicelet.profiles.profile import Profile
    from voicelet.synth.voice import Voice
    from voicelet.trust.credentials import FileSigner

_PAUSE_S = 0.4


@dataclass(frozen=True)
class Labelling:
    """How files of speech are labelled.

    Attributes:
        region, provider: as in `Label`; None for what the environment says.
        disclaimer: whether the speech begins by saying that a computer speaks.
        signer: of content credentials, if they are wanted.
    """

    region: str | None = None
    provider: str | None = None
    disclaimer: bool = False
    signer: FileSigner | None = None

    def introduce(
        self,
        voice: Voice,
        receive: Callable[[FloatArray], None],
        *,
        profile: Profile | None = None,
        preset: str | None = None,
        options: SpeechOptions | None = None,
        cancel: Event | None = None,
    ) -> None:
        """Give what is heard before the speech.

        Args:
            receive: takes float32 [n] in [-1, 1].
            profile, preset, cancel: as in `Voice.stream`.
            options: their purpose counts; the disclaimer is spoken plainly.
        """
        rate = voice.sample_rate_hz
        cue = Label.of_settings(self.region, self.provider).cue(rate)
        if len(cue):
            receive(cue)
        if self.disclaimer:
            purpose = (options or SpeechOptions()).purpose
            for chunk in voice.stream(
                DISCLAIMER, profile=profile, preset=preset, cancel=cancel, purpose=purpose
            ):
                receive(chunk.samples)
            receive(np.zeros(round(_PAUSE_S * rate), np.float32))

    def open(self, path: str | os.PathLike[str], voice: Voice) -> LabelledFile:
        """A file to write to; see :class:`LabelledFile`."""
        return LabelledFile(path, voice, self)


class LabelledFile:
    """An `AudioWriter` whose file is labelled, and signed once it is whole.

    Raises:
        OutputError: as `AudioWriter`, or it can't be signed; nothing is left behind then.
    """

    def __init__(self, path: str | os.PathLike[str], voice: Voice, labelling: Labelling) -> None:
        self._path, self._signer = Path(path), labelling.signer
        name = voice.bundle.manifest.name
        self.label = Label.of_settings(labelling.region, labelling.provider, name)
        self._writer = AudioWriter(path, voice.sample_rate_hz, tags=self.label.tags())

    def __enter__(self) -> AudioWriter:
        return self._writer.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.__exit__(kind, error, trace)
        if error is None and self._signer is not None:
            from voicelet.trust.credentials import sign_file

            try:
                sign_file(self._path, self.label, self._signer)
            except BaseException as fault:
                self._path.unlink(missing_ok=True)  # an unsigned file isn't what was asked for
                if isinstance(fault, OSError):
                    raise OutputError(f"can't sign {str(self._path)!r}: {fault}") from fault
                raise


def write_labelled(
    path: str | os.PathLike[str],
    voice: Voice,
    text: str,
    *,
    profile: Profile | None = None,
    preset: str | None = None,
    options: SpeechOptions | None = None,
    cancel: Event | None = None,
    provider: str | None = None,
    disclaimer: bool = False,
    signer: FileSigner | None = None,
    **settings: Unpack[SpeechSettings],
) -> Label:
    """Speak a text into a labelled file, as it is made: a book needs no more memory than a word.

        write_labelled("morning.flac", voice, "Good morning.", label="us-ca", provider="Acme")

    The file is written whole or not at all.

    Args:
        path: a .wav, .flac, .ogg, .opus or .mp3 file.
        profile, preset, options, cancel, settings: as in `Voice.stream`; `label` says which rules
            the label follows, and `cn` has its audible cue before the speech.
        provider: who answers for the speech; None for what `VOICELET_PROVIDER` says.
        disclaimer: begin by saying that a computer speaks.
        signer: of content credentials (.wav, .flac and .mp3 can hold them).

    Returns:
        The label in the file; its `id` is unique.

    Raises:
        OutputError: the file can't be written or signed; nothing is left behind.
        ConfigError: the format can't hold credentials; or as `Voice.stream`, whose other errors
            are raised, too.
        TrustError: credentials can't be made.
    """
    requested = speech_options(options, settings)
    if signer is not None:
        from voicelet.trust.credentials import mime_type

        mime_type(Path(path))  # before anything is spoken
    labelling = Labelling(requested.label, provider, disclaimer, signer)
    file = labelling.open(path, voice)
    with file as writer:
        labelling.introduce(
            voice, writer.write, profile=profile, preset=preset, options=requested, cancel=cancel
        )
        for chunk in voice.stream(
            text, profile=profile, preset=preset, options=requested, cancel=cancel
        ):
            writer.write(chunk.samples)
    return file.label
