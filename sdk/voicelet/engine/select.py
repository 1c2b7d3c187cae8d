"""Which engine runs a graph: the first that the bundle offers and that is installed here."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from voicelet.config import did_you_mean
from voicelet.engine.base import Engine, Graph, GraphLayout, TensorInfo
from voicelet.engine.providers import Providers
from voicelet.errors import EngineError

ENGINES = ("onnx", "litert")
"""Names of the engines this runtime knows, the preferred one first."""

AUTO = "auto"
_LIBRARIES = {"onnx": ("onnxruntime",), "litert": ("ai_edge_litert", "tflite_runtime")}
_REMEDIES = {"onnx": "pip install onnxruntime", "litert": 'pip install "voicelet[litert]"'}


class _Tensor(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def shape(self) -> tuple[int | str, ...]: ...


class Form(Protocol):
    """One form of a graph; the manifest's `GraphFile` is one."""

    @property
    def engine(self) -> str:
        """The engine it is for."""

    @property
    def file(self) -> str:
        """Its path inside the bundle."""

    @property
    def sha256(self) -> str:
        """Of its file, 64 lower-case hexadecimal digits."""

    @property
    def inputs(self) -> Sequence[_Tensor]:
        """What it takes."""

    @property
    def outputs(self) -> Sequence[_Tensor]:
        """What it gives."""


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
    if name == "litert":
        from voicelet.engine.litert import LiteRTEngine

        return LiteRTEngine()
    raise EngineError(
        f"no engine {name!r}{did_you_mean(name, ENGINES)}; there are {', '.join(ENGINES)}"
    )


def is_installed(name: str) -> bool:
    """Whether the library of an engine is there; it isn't imported."""
    return any(importlib.util.find_spec(library) for library in _LIBRARIES.get(name, ()))


def check_engine_name(name: str) -> None:
    """Accept "auto" and the names of :data:`ENGINES`.

    Raises:
        EngineError: there is no such engine.
    """
    if name != AUTO and name not in ENGINES:
        names = (AUTO, *ENGINES)
        raise EngineError(
            f"no engine {name!r}{did_you_mean(str(name), names)}; there are {', '.join(names)}"
        )


def choose_form(forms: Sequence[Form], engine: str = AUTO, what: str = "the graph") -> Form:
    """Return the form of a graph to run.

    Args:
        forms: those the bundle offers, its preferred one first.
        engine: "auto" takes the first whose engine is installed; a name takes that engine's.
        what: the graph, for messages.

    Raises:
        EngineError: none fits; the message says what to install.
    """
    check_engine_name(engine)
    offered = list(dict.fromkeys(form.engine for form in forms))
    candidates = [f for f in forms if f.engine in ENGINES and engine in (AUTO, f.engine)]
    if not candidates:
        names = ", ".join(ENGINES) if engine == AUTO else engine
        raise EngineError(
            f"{what} comes for {', '.join(offered)}, not for {names}; use a bundle exported for "
            "this engine" + ("" if engine == AUTO else f', or engine="{AUTO}"')
        )
    for form in candidates:
        if is_installed(form.engine):
            return form
    remedies = " or ".join(dict.fromkeys(_REMEDIES[f.engine] for f in candidates))
    raise EngineError(
        f"{what} comes for {', '.join(dict.fromkeys(f.engine for f in candidates))}, which isn't "
        f"installed; {remedies}"
    )


def open_form(
    root: Path,
    form: Form,
    *,
    context_frames: int = 0,
    threads: int = 1,
    providers: Providers = None,
    keeps_memory: bool = False,
    widens_weights: bool = False,
    limit_s: float | None = None,
) -> Graph:
    """Open a form of a graph with the engine it is for.

    Args:
        root: the bundle's folder.
        form: of :func:`choose_form`.
        context_frames: of the graph, as the manifest says.
        threads: that one `run` may use.
        providers: of ONNX Runtime.
        keeps_memory, widens_weights: see :class:`voicelet.engine.base.GraphLayout`.
        limit_s: see :meth:`voicelet.engine.base.Engine.open`.

    Raises:
        EngineError: the engine can't open it, or it isn't what the manifest says.
        BundleTamperedError: the file was changed since the bundle was verified.
    """
    layout = GraphLayout(
        _infos(form.inputs), _infos(form.outputs), context_frames, keeps_memory, widens_weights
    )
    engine = get_engine(form.engine, providers)
    return engine.open(
        root / form.file, threads=threads, layout=layout, sha256=form.sha256, limit_s=limit_s
    )


def _infos(tensors: Sequence[_Tensor]) -> tuple[TensorInfo, ...]:
    return tuple(TensorInfo(t.name, t.dtype, t.shape) for t in tensors)
