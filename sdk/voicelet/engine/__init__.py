"""How a graph is run."""

from __future__ import annotations

from voicelet.config import did_you_mean
from voicelet.engine.base import Engine, Graph, TensorInfo
from voicelet.engine.providers import Providers
from voicelet.errors import EngineError

ENGINES = ("onnx",)
"""Names of the engines this runtime knows, the preferred one first."""

__all__ = ["ENGINES", "Engine", "Graph", "Providers", "TensorInfo", "get_engine"]


def get_engine(name: str = "onnx", providers: Providers = None) -> Engine:
    """Return the engine of that name; its library is imported when it opens its first graph.

    Args:
        providers: of ONNX Runtime, see :class:`voicelet.engine.onnx.OnnxEngine`; other engines
            have none.

    Raises:
        EngineError: there is no such engine.
    """
    if name == "onnx":
        from voicelet.engine.onnx import shared_engine

        if providers is None or isinstance(providers, str):
            return shared_engine(providers)
        return shared_engine(tuple(providers))
    raise EngineError(
        f"no engine {name!r}{did_you_mean(name, ENGINES)} (known: {', '.join(ENGINES)})"
    )
