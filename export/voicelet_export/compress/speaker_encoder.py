"""The int8 speaker encoder: dynamic quantization of the LSTMs and the projection.

Weights are int8 per output channel, activations are measured as the graph runs.  `reduce_range`
keeps the weights to 7 bits, for x86 without VNNI saturates 16-bit sums otherwise.
"""

from __future__ import annotations

from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

OPERATORS = ("LSTM", "MatMul", "Gemm")


def quantize_speaker_encoder(
    source: Path, target: Path, operators: tuple[str, ...] = OPERATORS
) -> int:
    """Write an int8 version of the float32 graph `source` and return its size in bytes.

    Args:
        source: graph with input `mel` [P, 160, 40] and output `embedding` [P, 256].
        target: where the int8 graph goes.
        operators: which operators are quantized.
    """
    quantize_dynamic(
        source,
        target,
        op_types_to_quantize=list(operators),
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
    )
    onnx.checker.check_model(onnx.load(target))
    return target.stat().st_size
