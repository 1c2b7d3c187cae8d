"""How a graph is run."""

from __future__ import annotations

from voicelet.config import did_you_mean
from voicelet.engine.base import Engine, Graph, TensorInfo
from voicelet.errors import EngineError

ENGINES = ("onnx",)
"""Names of the engines this runtime knows, the preferred one first."""

__all__ = ["ENGINES", "Engine", "Graph", "TensorInfo", "get_engine"]


def get_engine(name: str = "onnx") -> Engine:
    """Return the engine of that name; its library is imported when it opens its first graph.

    Raises:
        EngineError: there is no such engine.
    """
    if name == "onnx":
        from voicelet.engine.onnx import OnnxEngine

        return OnnxEngine()
    raise EngineError(
        f"no engine {name!r}{did_you_mean(name, ENGINES)} (known: {', '.join(ENGINES)})"
    )
