"""What a teacher costs, for the column beside its student."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from voicelet.errors import BundleError
from voicelet.piper.phones import PiperPhones
from voicelet_export.compress.cost import count_madds
from voicelet_export.convert.parity import session

_COUNTED = ("Conv", "ConvTranspose", "MatMul", "Gemm", "LSTM", "GRU", "RNN")
_WEIGHTS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT8)


def piper_cost(path: Path, phones: str) -> dict[str, float]:
    """Parameters, and multiply-adds a second of speech, of a Piper voice.

    The lengths inside such a graph hang on the durations it predicts, so it is run once, without
    its noise, and the shapes that its products really had are counted.

    Args:
        path: the `.onnx`, its JSON beside it.
        phones: what it says.

    Returns:
        `parameters_m` and `madds_m_per_s`, in millions.

    Raises:
        BundleError: it isn't a Piper voice.
    """
    try:
        config = json.loads(Path(f"{path}.json").read_text(encoding="utf-8"))
        ids = PiperPhones(config["phoneme_id_map"]).encode(phones).ids
        rate = int(config["audio"]["sample_rate"])
        model = onnx.load(str(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{path}: not a Piper voice with its JSON ({error!r})") from None
    feed: dict[str, Any] = {
        "input": ids[None],
        "input_lengths": np.array([len(ids)], np.int64),
        "scales": np.array([0.0, 1.0, 0.0], np.float32),
    }
    if any(i.name == "sid" for i in model.graph.input):
        feed["sid"] = np.array([0], np.int64)
    shapes, samples = _run_for_shapes(model, feed)
    kept = [t for t in model.graph.initializer if t.data_type in _WEIGHTS]
    seconds = samples / rate
    return {
        "parameters_m": round(sum(int(np.prod(t.dims)) for t in kept) / 1e6, 3),
        "madds_m_per_s": round(count_madds(model, shapes) / seconds / 1e6, 1),
    }


def _run_for_shapes(
    model: onnx.ModelProto, feed: dict[str, Any]
) -> tuple[dict[str, tuple[int, ...]], int]:
    """Shapes of whatever goes into and comes out of products, and the length of the output."""
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    names = sorted(
        {
            name
            for node in model.graph.node
            if node.op_type in _COUNTED
            for name in (*node.input, *node.output)
            if name
        }
    )
    for name in names:
        probe.graph.node.append(helper.make_node("Shape", [name], [f"{name}.shape"]))
        probe.graph.output.append(
            helper.make_tensor_value_info(f"{name}.shape", TensorProto.INT64, None)
        )
    first = model.graph.output[0].name
    found = session(probe).run([first, *(f"{n}.shape" for n in names)], feed)
    shapes = {n: tuple(int(d) for d in shape) for n, shape in zip(names, found[1:])}
    return shapes, int(found[0].size)
