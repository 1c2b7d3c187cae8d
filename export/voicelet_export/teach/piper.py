"""A Piper voice as a teacher, run as the ONNX file it comes in.

Two changes are made to the graph in memory: its random numbers become inputs, so that equal seeds
give equal speech, and the durations it predicts become an output.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from voicelet.config import did_you_mean
from voicelet.errors import BundleError, ConfigError
from voicelet.piper.phones import PiperPhones
from voicelet_export.convert.importing.piper_graph import expose_noise_and_durations
from voicelet_export.teach.base import TeacherSpeech

HOP_LENGTH = 256
"""Samples in one unit of a Piper voice's durations."""
_FRAMES_A_PHONEME = 60  # noise is drawn for so many at most, and drawn again if that isn't enough


class PiperTeacher:
    """Speaks through ONNX Runtime, on one thread.

    Args:
        path: the voice; its JSON lies beside it as `<path>.json`.
        noise_scale, noise_w: of the latent and of the durations; less than the voice's own values
            gives speech that varies less, which is easier to learn from.
        length_scale: factor of all durations.

    Raises:
        BundleError: the file isn't a Piper voice.
    """

    def __init__(
        self,
        path: Path,
        noise_scale: float = 0.5,
        noise_w: float = 0.5,
        length_scale: float = 1.0,
    ) -> None:
        self._scales = np.array([noise_scale, length_scale, noise_w], np.float32)
        try:
            config = json.loads(Path(f"{path}.json").read_text(encoding="utf-8"))
            self._phones = PiperPhones(config["phoneme_id_map"])
            self.sample_rate_hz = int(config["audio"]["sample_rate"])
            names = dict(config.get("speaker_id_map") or {"": 0})
            model = onnx.load(str(path))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BundleError(f"{path}: not a Piper voice with its JSON ({error!r})") from None
        self._speaker_ids = {str(name): int(index) for name, index in names.items()}
        self._channels = expose_noise_and_durations(model, path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._takes_speaker = any(i.name == "sid" for i in self._session.get_inputs())

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names of the voice's speakers; a single one has no name."""
        return tuple(self._speaker_ids)

    def speak(self, phones: str, speaker: str | None = None, seed: int = 0) -> TeacherSpeech:
        """Speak a phone string; see :meth:`voicelet_export.teach.base.Teacher.speak`."""
        name = self.speakers[0] if speaker is None else speaker
        if name not in self._speaker_ids:
            raise ConfigError(f"no speaker {name!r}{did_you_mean(name, self.speakers)}")
        given = self._phones.encode(phones)
        rng = np.random.default_rng(seed)
        count = len(given.ids)
        feed: dict[str, Any] = {
            "input": given.ids[None],
            "input_lengths": np.array([count], np.int64),
            "scales": self._scales,
            "duration_noise": rng.standard_normal((1, 2, count), np.float32),
            "latent_noise": rng.standard_normal(
                (1, self._channels, count * _FRAMES_A_PHONEME), np.float32
            ),
        }
        if self._takes_speaker:
            feed["sid"] = np.array([self._speaker_ids[name]], np.int64)
        samples, units = self._session.run(["output", "duration_units"], feed)
        durations = np.zeros(len(phones) + 2, np.float64)
        np.add.at(durations, given.owner, units.reshape(-1).astype(np.float64))
        seconds = durations * HOP_LENGTH / self.sample_rate_hz
        return TeacherSpeech(
            np.ascontiguousarray(samples.reshape(-1), np.float32),
            self.sample_rate_hz,
            seconds.astype(np.float32),
        )
