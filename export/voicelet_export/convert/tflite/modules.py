"""PyTorch modules → LiteRT files: one signature a length, all with the same weights.

Conversion is litert-torch's; int8 is ai-edge-quantizer's dynamic range: weights are stored as int8,
activations are quantized row by row as the graph runs, so that a frame comes out the same whatever
stretch it is computed in.  Both packages are needed at build time only.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from voicelet.errors import EngineError

log = logging.getLogger(__name__)

Precision = Literal["int8", "fp32"]


@dataclass(frozen=True)
class Signature:
    """One entry of a file.

    Attributes:
        name: "length_64"; see `voicelet.engine.litert`.
        module: returns a mapping of named outputs.
        sample: its inputs; of the shapes and types that the signature is to have.
    """

    name: str
    module: nn.Module
    sample: Mapping[str, Tensor]


def at_lengths(
    module: nn.Module,
    lengths: Sequence[int],
    sample: Callable[[int], dict[str, Tensor]],
    kind: str = "length",
) -> list[Signature]:
    """A signature for each length; `sample` makes inputs of a length."""
    return [Signature(f"{kind}_{n}", module.eval(), sample(n)) for n in sorted(lengths)]


def convert(signatures: Sequence[Signature]) -> bytes:
    """Convert to a LiteRT file in float32.

    Raises:
        EngineError: litert-torch isn't installed, or can't convert the modules.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            import litert_torch
    except ImportError as error:
        raise _missing(error) from error
    with contextlib.redirect_stdout(sys.stderr), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.tflite"
        converter: Any = litert_torch
        for s in signatures:
            converter = converter.signature(s.name, s.module, sample_kwargs=dict(s.sample))
        try:
            with torch.no_grad():
                converter.convert().export(str(path))
        except (RuntimeError, ValueError, NotImplementedError) as error:
            raise EngineError(f"litert-torch can't convert the graph: {error}") from error
        return path.read_bytes()


def quantize(model: bytes) -> bytes:
    """Weights to int8, where the names of the modules say so.

    `Int8Linear`: one scale a matrix, products in int8.  `StoredLinear` and `StoredConv`: one scale
    an output channel, widened to float32 before they are used.

    Raises:
        EngineError: ai-edge-quantizer isn't installed.
    """
    try:
        from ai_edge_quantizer import qtyping
        from ai_edge_quantizer.quantizer import Quantizer
    except ImportError as error:
        raise _missing(error) from error
    operations = qtyping.TFLOperationName
    rows = qtyping.QuantGranularity.CHANNELWISE
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "float.tflite", Path(folder) / "int8.tflite"
        source.write_bytes(model)
        quantizer = Quantizer(str(source))
        whole = qtyping.QuantGranularity.TENSORWISE
        quantizer.add_dynamic_config("Int8Linear", operations.FULLY_CONNECTED, 8, whole)
        for regex, operation in (
            ("StoredLinear", operations.FULLY_CONNECTED),
            ("StoredConv", operations.CONV_2D),
        ):
            quantizer.add_weight_only_config(regex, operation, 8, rows)
        with contextlib.redirect_stdout(sys.stderr):
            quantizer.quantize().export_model(str(target), overwrite=True)
        out = target.read_bytes()
    log.info("int8: %d → %d bytes", len(model), len(out))
    return out


def without_names(model: bytes) -> bytes:
    """A file without the names of its tensors: they hold the path of every module they came
    through, half a megabyte a voice, and only signatures are asked for by name.

    Raises:
        EngineError: ai-edge-litert isn't installed.
    """
    try:
        from ai_edge_litert.tools import flatbuffer_utils
    except ImportError as error:
        raise _missing(error) from error
    opened = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    for subgraph in opened.subgraphs:
        for tensor in subgraph.tensors:
            tensor.name = None
    return bytes(flatbuffer_utils.convert_object_to_bytearray(opened))


def _missing(error: ImportError) -> EngineError:
    return EngineError(
        f"conversion to LiteRT needs litert-torch and ai-edge-quantizer ({error}); "
        'pip install "voicelet-export[tflite]", in an environment of its own'
    )
