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
from onnx import TensorProto, helper, numpy_helper

from voicelet.config import did_you_mean
from voicelet.errors import BundleError, ConfigError
from voicelet.piper.phones import PiperPhones
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
        self._channels = open_up(model, path)
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


def open_up(model: onnx.ModelProto, path: Path) -> int:
    """Turn the random numbers into inputs and the durations into an output; returns channels."""
    graph = model.graph
    randoms = [n for n in graph.node if n.op_type == "RandomNormalLike"]
    ceils = [n for n in graph.node if n.op_type == "Ceil"]
    duration = [n for n in randoms if n.name.startswith("/dp")]
    latent = [n for n in randoms if not n.name.startswith("/dp")]
    if len(duration) != 1 or len(latent) != 1 or len(ceils) != 1:
        raise BundleError(f"{path}: not a Piper voice (its graph has another make)")
    channels = _latent_channels(graph, path)
    inputs = (("duration_noise", (1, 2, "M")), ("latent_noise", (1, channels, "L")))
    for name, shape in inputs:
        graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    constants = {"cut.zero": [0], "cut.axis": [2], "cut.next": [3]}
    for name, value in constants.items():
        graph.initializer.append(numpy_helper.from_array(np.array(value, np.int64), name))
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.name == duration[0].name:
            nodes.append(helper.make_node("Identity", ["duration_noise"], node.output))
        elif node.name == latent[0].name:
            cut = ["cut.shape", "cut.zero", "cut.next", "cut.axis", "cut.end"]
            nodes += [
                helper.make_node("Shape", [node.input[0]], [cut[0]]),
                helper.make_node("Slice", [cut[0], "cut.axis", "cut.next"], [cut[4]]),
                helper.make_node(
                    "Slice", ["latent_noise", cut[1], cut[4], cut[3]], list(node.output)
                ),
            ]
        else:
            nodes.append(node)
    nodes.append(helper.make_node("Identity", [ceils[0].output[0]], ["duration_units"]))
    del graph.node[:]
    graph.node.extend(nodes)
    graph.output.append(
        helper.make_tensor_value_info("duration_units", TensorProto.FLOAT, (1, 1, "M"))
    )
    return channels


def _latent_channels(graph: onnx.GraphProto, path: Path) -> int:
    """Width of the latent: what the decoder's first convolution takes."""
    weights = {t.name: t for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Conv" and "conv_pre" in node.name and node.input[1] in weights:
            return int(weights[node.input[1]].dims[1])
    raise BundleError(f"{path}: not a Piper voice (it has no HiFi-GAN decoder)")
