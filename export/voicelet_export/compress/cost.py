"""What a model costs: multiply-adds a second of speech, and parameters.

Counted are the products of matrices and of convolutions, where all but a few percent of the time
goes; norms, activations and the inverse STFT outside the graphs are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from torch import nn

from voicelet.errors import BundleError
from voicelet_export.models.fastspeech2 import AcousticModel
from voicelet_export.models.vocos import Vocoder


@dataclass(frozen=True)
class SpeechRate:
    """How much of everything a second of speech holds.

    Attributes:
        frames_per_s: of the features.
        phones_per_s: marks and pads counted in.
        clause_s: length of a clause; what is computed once for it is shared out over so long.
    """

    frames_per_s: float = 80.0
    phones_per_s: float = 14.0
    clause_s: float = 4.0


RATE = SpeechRate()


@dataclass(frozen=True)
class Cost:
    """Multiply-adds and parameters.

    Attributes:
        madds: multiply-adds; of a second of speech for models, of one run for a graph.
        parameters: numbers that are stored as weights.
    """

    madds: float
    parameters: int


def row_madds(modules: Iterable[nn.Module]) -> int:
    """Multiply-adds a row (frame or phone) in the linear layers and convolutions of `modules`.

    At stride 1 every weight of such a layer is used once a row.
    """
    kinds = nn.Linear, nn.Conv1d
    layers = (m for module in modules for m in module.modules() if isinstance(m, kinds))
    return sum(m.weight.numel() for m in layers)


def acoustic_cost(model: AcousticModel, rate: SpeechRate = RATE) -> Cost:
    """Cost of encoder and decoder together, a second of speech."""
    e, d = model.encoder, model.decoder
    clause = row_madds([e.speaker, e.film, e.condition])
    phone = row_madds([e.blocks, e.attention, e.variance_conv, e.variance_head])
    phones = rate.phones_per_s * rate.clause_s
    # Scores and sums of values: each phone meets each phone of the clause twice.
    phone_pairs = 2.0 * phones * e.attention.heads * e.attention.width
    madds = clause / rate.clause_s + (phone + phone_pairs) * rate.phones_per_s
    return Cost(madds + row_madds([d]) * rate.frames_per_s, _parameters(model))


def vocoder_cost(model: Vocoder, rate: SpeechRate = RATE) -> Cost:
    """Cost of the network, a second of speech."""
    return Cost(
        (row_madds([model]) + model.envelope.numel()) * rate.frames_per_s, _parameters(model)
    )


def model_cost(model: nn.Module, rate: SpeechRate = RATE) -> Cost:
    """Cost of an acoustic model or a vocoder, a second of speech.

    Raises:
        TypeError: it's neither.
    """
    if isinstance(model, AcousticModel):
        return acoustic_cost(model, rate)
    if isinstance(model, Vocoder):
        return vocoder_cost(model, rate)
    raise TypeError(f"the cost of {type(model).__name__} isn't known")


def graph_cost(model: onnx.ModelProto, lengths: Mapping[str, int]) -> Cost:
    """Cost of one run of an ONNX graph, of this project or any other.

    Args:
        lengths: size of every symbolic axis of the inputs, by name.

    Raises:
        BundleError: an axis isn't given, or the shapes can't be followed through the graph.
    """
    madds = count_madds(model, _shapes(model, lengths))
    weights = {t.name: int(np.prod(t.dims)) for t in model.graph.initializer}
    floats = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.INT8}
    kept = [weights[t.name] for t in model.graph.initializer if t.data_type in floats]
    return Cost(float(madds), int(sum(kept)))


def count_madds(model: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Multiply-adds of one run of a graph.

    Args:
        shapes: of its tensors, by name.

    Raises:
        BundleError: a product's shapes aren't among them.
    """
    madds = 0
    for node in model.graph.node:
        count = _COUNTERS.get(node.op_type)
        if count is None:
            continue
        try:
            madds += count(node, shapes)
        except KeyError as error:
            raise BundleError(
                f"{model.graph.name}: the shape of {error} at {node.op_type} {node.name!r} isn't "
                "known; simplify the graph first"
            ) from None
    return madds


_Shapes = Mapping[str, tuple[int, ...]]


def _shapes(model: onnx.ModelProto, lengths: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    stored = {t.name for t in model.graph.initializer}
    for value in fixed.graph.input:
        if value.name in stored:
            continue
        for axis in value.type.tensor_type.shape.dim:
            if axis.HasField("dim_value"):
                continue
            if axis.dim_param not in lengths:
                raise BundleError(
                    f"{model.graph.name}: give the length of axis {axis.dim_param!r} of "
                    f"{value.name}"
                )
            axis.dim_value = lengths[axis.dim_param]
    for value in fixed.graph.output:  # their symbols mustn't contradict what is inferred
        value.type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(fixed, data_prop=True)
    shapes = {t.name: tuple(t.dims) for t in model.graph.initializer}
    graph = inferred.graph
    for value in [*graph.input, *graph.value_info, *graph.output]:
        axes = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(a.HasField("dim_value") for a in axes):
            shapes[value.name] = tuple(a.dim_value for a in axes)
    return shapes


def _gemm(node: onnx.NodeProto, shapes: _Shapes) -> int:
    turned = any(a.name == "transA" and a.i for a in node.attribute)
    inner = shapes[node.input[0]][0 if turned else 1]
    return int(np.prod(shapes[node.output[0]]) * inner)


def _matmul(node: onnx.NodeProto, shapes: _Shapes) -> int:
    return int(np.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1])


def _convolution(node: onnx.NodeProto, shapes: _Shapes) -> int:
    # weight [out, in / groups, *kernel]
    return int(np.prod(shapes[node.output[0]]) * np.prod(shapes[node.input[1]][1:]))


def _transposed(node: onnx.NodeProto, shapes: _Shapes) -> int:
    # weight [in, out / groups, *kernel]: each input value meets each of its kernels once
    return int(np.prod(shapes[node.input[0]]) * np.prod(shapes[node.input[1]][1:]))


def _recurrent(node: onnx.NodeProto, shapes: _Shapes) -> int:
    # x [time, batch, in]; W [directions, gates · hidden, in]; R […, gates · hidden, hidden]
    time, batch, _ = shapes[node.input[0]]
    return int(time * batch * (np.prod(shapes[node.input[1]]) + np.prod(shapes[node.input[2]])))


_COUNTERS = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "RNN": _recurrent,
}


def _parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())
