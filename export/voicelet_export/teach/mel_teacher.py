"""FastSpeech 2 or Tacotron 2 with a vocoder, as a teacher."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from voicelet.audio.features import FloatArray
from voicelet.config import did_you_mean
from voicelet.errors import ConfigError
from voicelet.text.phones import PhoneInventory
from voicelet_export.corpus.align import viterbi
from voicelet_export.models.fastspeech2 import PITCH_SCALE
from voicelet_export.models.teachers.fft_fastspeech2 import FftFastSpeech2
from voicelet_export.models.teachers.mel_voice import VoiceSpeaker, load_mel_voice
from voicelet_export.models.teachers.tacotron2 import Tacotron2
from voicelet_export.teach.base import TeacherSpeech
from voicelet_export.teach.mel_vocoders import open_mel_vocoder

log = logging.getLogger(__name__)

_FRAMES_A_PHONE = 30
"""Beyond so many for each phone, 0.4 s, a recurrent decoder has lost its way."""
_LOG_F0_RANGE = (3.9, 6.7)
"""50 to 800 Hz."""


class MelTeacher:
    """Speaks phones through an acoustic model and a vocoder, on the CPU.

    Args:
        acoustic: model folder of a FastSpeech 2 or a Tacotron 2.
        vocoder: model folder of a HiFi-GAN or a DiffWave, or the run of a `vocoder` training.
        speed: of a FastSpeech 2; its durations are divided by it.
        tries: how often a Tacotron 2 may begin again when its decoder doesn't come to an end.

    Raises:
        BundleError: a folder is damaged or of another kind.
        ConfigError: the two were trained on different mels.
    """

    def __init__(self, acoustic: Path, vocoder: Path, speed: float = 1.0, tries: int = 4) -> None:
        self._model, self.voice = load_mel_voice(acoustic, "fastspeech2", "tacotron2")
        self._vocoder = open_mel_vocoder(vocoder)
        if self._vocoder.features != self.voice.features:
            raise ConfigError(
                f"{acoustic} makes mels of {self.voice.features}, {vocoder} takes "
                f"{self._vocoder.features}; train one of them again on the features of the other"
            )
        if not 0.25 <= speed <= 4.0 or tries < 1:
            raise ConfigError("speed must lie between 0.25 and 4, and tries be at least 1")
        self._inventory = PhoneInventory(self.voice.symbols)
        self._speed, self._tries = speed, tries

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names of the speakers that the acoustic model was trained on."""
        return tuple(self.voice.speakers)

    def speak(self, phones: str, speaker: str | None = None, seed: int = 0) -> TeacherSpeech:
        """Speak a phone string; see :meth:`voicelet_export.teach.base.Teacher.speak`.

        Where a Tacotron 2 doesn't come to an end in any try there is nothing to be learned: the
        samples are empty and the durations `None`, and labelling leaves the utterance out.
        """
        name = self.speakers[0] if speaker is None else speaker
        if name not in self.voice.speakers:
            raise ConfigError(f"no speaker {name!r}{did_you_mean(name, self.speakers)}")
        told = self.voice.speakers[name]
        ids = torch.from_numpy(self._inventory.encode(phones))[None]
        vector = torch.tensor(told.vector, dtype=torch.float32)[None]
        rate = self.voice.features.sample_rate_hz
        if isinstance(self._model, FftFastSpeech2):
            frames, spans = self._model.speak(ids, vector, self._speed)
            found, durations = (frames.mel, frames.pitch, frames.voicing), spans[0].numpy()
        else:
            decoded = self._decode(self._model, ids, vector, seed)
            if decoded is None:
                log.warning("%r: the decoder didn't come to an end", phones)
                return TeacherSpeech(np.zeros(0, np.float32), rate, None)
            found, durations = decoded
        samples = self._wave(*found, told, seed)
        seconds = durations * (self.voice.features.hop_length / rate)
        return TeacherSpeech(samples, rate, seconds.astype(np.float32))

    def _decode(
        self, model: Tacotron2, ids: Tensor, vector: Tensor, seed: int
    ) -> tuple[tuple[Tensor, Tensor, Tensor], npt.NDArray[np.int64]] | None:
        """Mel, pitch and voicing of the first try that ends, with the frames of each phone."""
        count = ids.shape[1]
        for turn in range(self._tries):
            with torch.random.fork_rng(devices=[]):
                fresh = np.random.SeedSequence((seed, turn)).generate_state(1)
                torch.manual_seed(int(fresh[0]))
                out, ended = model.speak(ids, vector, _FRAMES_A_PHONE * count)
            attention = out.attention[0].numpy()
            spans = attention_durations(attention, model.config.frames_per_step)
            if ended and spans is not None and attention[-1].argmax() >= count - 3:
                return (out.mel, out.pitch, out.voicing), spans
        return None

    def _wave(
        self, mel: Tensor, pitch: Tensor, voicing: Tensor, speaker: VoiceSpeaker, seed: int
    ) -> FloatArray:
        mean, std = self.voice.statistics
        log_mel = mel[0].numpy() * std + mean
        log_f0 = pitch[0].numpy() * PITCH_SCALE + speaker.log_f0_mean
        return self._vocoder.wave(
            log_mel.astype(np.float32),
            log_f0.clip(*_LOG_F0_RANGE).astype(np.float32),
            (voicing[0].numpy() > 0.0).astype(np.float32),
            seed,
        )


def attention_durations(
    attention: FloatArray, frames_per_step: int = 1
) -> npt.NDArray[np.int64] | None:
    """Frames of each phone on the likeliest monotonic path through a decoder's attention.

    Args:
        attention: [steps, phones]; rows sum to 1.
        frames_per_step: that the decoder makes at each step.

    Returns:
        int64 [phones], at least 1 each, summing to the frames; `None` where there are fewer frames
        than phones.
    """
    frames = np.repeat(attention, frames_per_step, axis=0)
    if len(frames) < frames.shape[1]:
        return None
    return viterbi(np.log(np.maximum(frames, 1e-8)))
