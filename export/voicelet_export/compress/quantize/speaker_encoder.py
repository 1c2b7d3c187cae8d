"""The int8 speaker encoder: int8 weights, one scale a row, and arithmetic in float32.

Dynamic quantization of the LSTMs was measured too: it has the same size, but it also rounds the
activations, of which the first layer's (mel powers, without a logarithm) span many decades; the
equal error rate doubled (`docs/research/enrolment.md`).  For the same reason the weights that meet
the mels stay in float16: 37 kB more, and a tenth of the difference to float32.
"""

from __future__ import annotations

from pathlib import Path

import onnx

from voicelet_export.compress.quantize.weights import store_weights


def int8_speaker_encoder(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph `model` (`mel` [P, 160, 40] to `embedding` [P, 256]) with weights in int8."""
    first = [node.input[1] for node in model.graph.node if node.op_type == "LSTM"][:1]
    return store_weights(model, "int8", frozenset(first))


def quantize_speaker_encoder(source: Path, target: Path) -> int:
    """Write an int8 version of the float32 graph `source` and return its size in bytes.

    Args:
        source: graph with input `mel` [P, 160, 40] and output `embedding` [P, 256].
        target: where the int8 graph goes.
    """
    onnx.save(int8_speaker_encoder(onnx.load(source)), target)
    return target.stat().st_size
