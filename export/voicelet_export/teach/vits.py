"""A VITS in torch as a teacher: imported, or trained here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from voicelet.config import did_you_mean
from voicelet.errors import BundleError, ConfigError
from voicelet_export.models.teachers.vits.voice import load_vits
from voicelet_export.teach.base import TeacherSpeech

_FRAMES_A_SYMBOL = 60  # noise is drawn for so many at least, as for the ONNX of the same voice
_MOST_SECONDS = 120.0


class VitsTeacher:
    """Speaks from a model folder.

    Args:
        folder: of `voicelet-export import piper|vits`, or the `model` of a training run.
        noise_scale, duration_noise_scale: of the latent and of the durations; less than the
            voice's own values gives speech that varies less, which is easier to learn from.
        length_scale: factor of all durations.

    Raises:
        BundleError: the folder holds no VITS, or one that is told speakers in no way known here.
    """

    def __init__(
        self,
        folder: Path,
        noise_scale: float = 0.5,
        duration_noise_scale: float = 0.5,
        length_scale: float = 1.0,
    ) -> None:
        self.model, self.voice = load_vits(folder)
        if self.voice.model.speaker_channels and not self.voice.model.n_speakers:
            raise BundleError(f"{folder}: the voice has no table of its speakers")
        self.sample_rate_hz = self.voice.sample_rate_hz
        self._scales = noise_scale, duration_noise_scale, length_scale

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names of the voice's speakers; a single one has no name."""
        return tuple(self.voice.speakers)

    def speak(self, phones: str, speaker: str | None = None, seed: int = 0) -> TeacherSpeech:
        """Speak a phone string; see :meth:`voicelet_export.teach.base.Teacher.speak`.

        With equal seeds an imported Piper voice says the very same here and as
        :class:`voicelet_export.teach.piper.PiperTeacher`.

        Raises:
            PhoneError: a symbol isn't known.
            ConfigError: there is no such speaker.
            BundleError: the voice wants to speak for minutes, which no sentence takes.
        """
        name = self.speakers[0] if speaker is None else speaker
        if name not in self.voice.speakers:
            raise ConfigError(f"no speaker {name!r}{did_you_mean(name, self.speakers)}")
        given = self.voice.symbols.encode(phones)
        noise_scale, duration_noise_scale, length_scale = self._scales
        rng = np.random.default_rng(seed)
        count = len(given.ids)
        hop = self.voice.model.decoder.hop_length
        with torch.no_grad():
            row = self.model.speaker(torch.tensor([self.voice.speakers[name]]))
            planned = self.model.plan(
                torch.from_numpy(given.ids)[None],
                torch.tensor([count]),
                row,
                length_scale,
                duration_noise_scale,
                torch.from_numpy(rng.standard_normal((1, 2, count), np.float32)),
            )
            seconds = float(planned.n_frames[0]) * hop / self.sample_rate_hz
            if not seconds < _MOST_SECONDS:
                raise BundleError(f"the voice wants {seconds:.0f} s for {len(phones)} phones")
            width = max(count * _FRAMES_A_SYMBOL, int(planned.n_frames[0]))
            noise = rng.standard_normal((1, self.voice.model.latent, width), np.float32)
            made = self.model.render(planned, row, noise_scale, torch.from_numpy(noise))
        units = np.zeros(len(phones) + 2, np.float64)
        np.add.at(units, given.owner, made.durations[0].double().numpy())
        return TeacherSpeech(
            np.ascontiguousarray(made.wave[0].numpy(), np.float32),
            self.sample_rate_hz,
            (units * hop / self.sample_rate_hz).astype(np.float32),
        )
