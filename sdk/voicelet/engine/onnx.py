"""Graphs run by ONNX Runtime."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from voicelet.engine.base import (
    Array,
    GraphLayout,
    TensorInfo,
    check_inputs,
    check_outputs,
    check_tensors,
    read_graph,
)
from voicelet.engine.providers import (
    TENSORRT,
    Providers,
    cache_folder,
    missing,
    open_with_fallback,
    provider_options,
    requested,
)
from voicelet.engine.screening import screen_onnx
from voicelet.engine.watchdog import stopped_after
from voicelet.errors import EngineError

log = logging.getLogger(__name__)

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}
_ERRORS_ONLY, _FATAL_ONLY = 3, 4


class OnnxGraph:
    """A graph in an ONNX Runtime session; sessions may be run by several threads at once."""

    def __init__(
        self,
        session: Any,
        where: str,
        layout: GraphLayout | None = None,
        limit_s: float | None = None,
    ) -> None:
        self._session = session
        self._where, self._limit_s = where, limit_s
        self._inputs = tuple(_info(node, where) for node in session.get_inputs())
        self._outputs = tuple(_info(node, where) for node in session.get_outputs())
        self._output_names = [t.name for t in self._outputs]
        if layout is not None:
            check_tensors(layout.inputs, self._inputs, "input", where)
            check_tensors(layout.outputs, self._outputs, "output", where)
            self._outputs = tuple(_narrowed(t, layout.outputs) for t in self._outputs)

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """What it takes."""
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """What it gives."""
        return self._outputs

    @property
    def metadata(self) -> dict[str, str]:
        """What its makers wrote into the file, by key."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run the graph; see :meth:`voicelet.engine.base.Graph.run`."""
        check_inputs(self._inputs, inputs, self._where)
        options = None if self._limit_s is None else _run_options()
        with stopped_after(self._limit_s, lambda: setattr(options, "terminate", True), self._where):
            try:
                values = self._session.run(self._output_names, dict(inputs), options)
            except Exception as error:  # ONNX Runtime's classes share no other base
                raise EngineError(f"{self._where}: {_first_line(error)}") from error
        outputs = dict(zip(self._output_names, values))
        check_outputs(self._outputs, outputs, self._where)
        return outputs


class OnnxEngine:
    """ONNX Runtime, tuned for one graph at a time on few threads.

    Args:
        providers: ONNX Runtime's execution providers, in order of preference; "auto" for
            TensorRT, CUDA and the CPU; None for what `VOICELET_PROVIDERS` says, else the CPU.
            One that can't be had is left out, with a line in the log.
    """

    name = "onnx"

    def __init__(self, providers: Providers = None) -> None:
        self._providers = providers
        self._logged: set[str] = set()
        self._refused: dict[str, str] = {}

    def open(
        self,
        path: Path,
        *,
        threads: int = 1,
        layout: GraphLayout | None = None,
        sha256: str | None = None,
        limit_s: float | None = None,
    ) -> OnnxGraph:
        """Open a graph; see :meth:`voicelet.engine.base.Engine.open`.

        The file holds all that `layout` states, except how it is to be run; if it says otherwise,
        it is refused.

        Raises:
            ConfigError: the providers aren't names.
        """
        if threads < 1:
            raise EngineError(f"threads must be at least 1, not {threads}")
        onnxruntime = _library()
        names = requested(self._providers)
        available = onnxruntime.get_available_providers()
        unavailable = missing(names, available, onnxruntime.get_all_providers())
        self._refused = {**unavailable, **self._refused}
        raw = read_graph(path, sha256)
        screen_onnx(raw, str(path))
        options = _options(onnxruntime, threads, layout)
        # What is computed when a graph is opened can't be stopped, so that of a graph that nobody
        # vouches for is left to its runs.
        left_out = [] if limit_s is None else ["ConstantFolding"]

        def create(providers: list[str]) -> Any:
            cache = cache_folder()
            if TENSORRT in providers:
                cache.mkdir(parents=True, exist_ok=True)
            return onnxruntime.InferenceSession(
                raw,
                sess_options=options,
                providers=[(name, provider_options(name, cache)) for name in providers],
                disabled_optimizers=left_out,
                enable_fallback=0,  # its own fallback prints to stdout, where audio may be going
            )

        # ONNX Runtime 1.21 is the first that can be stopped while it opens a graph.
        cancel = getattr(options, "set_load_cancellation_flag", lambda flag: None)
        with stopped_after(limit_s, lambda: cancel(True), str(path)):
            try:
                session = open_with_fallback(
                    names,
                    self._refused,
                    create,
                    lambda opened: list(opened.get_providers()),
                    self._log_once,
                )
            except Exception as error:  # ONNX Runtime's classes share no other base
                raise EngineError(
                    f"{path}: ONNX Runtime can't open it ({_first_line(error)}); "
                    "fetch or export the bundle again"
                ) from error
        if hasattr(session, "_model_bytes"):
            session._model_bytes = None  # kept to open the graph again elsewhere: a second copy
        return OnnxGraph(session, path.name, layout, limit_s)

    def _log_once(self, level: int, line: str) -> None:
        """Log a line once, though a voice opens four graphs."""
        if line not in self._logged:
            self._logged.add(line)
            log.log(level, "%s", line)


@lru_cache(maxsize=32)
def shared_engine(providers: str | tuple[str, ...] | None = None) -> OnnxEngine:
    """The one engine of these providers, so that its choice is logged once."""
    return OnnxEngine(providers)


@lru_cache(maxsize=1)
def _library() -> Any:
    """ONNX Runtime, with its telemetry off (Windows builds have some).

    0.1 s and 30 MB: paid by the first graph, not by `import voicelet`.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineError(
            f"ONNX Runtime can't be loaded ({error}); pip install onnxruntime"
        ) from error
    getattr(onnxruntime, "disable_telemetry_events", lambda: None)()
    return onnxruntime


def _run_options() -> Any:
    options = _library().RunOptions()
    options.log_severity_level = _FATAL_ONLY  # being stopped is no error of the engine's
    return options


def _narrowed(tensor: TensorInfo, declared: tuple[TensorInfo, ...]) -> TensorInfo:
    """A tensor of a file, with the lengths that only the manifest fixes."""
    other = next(t for t in declared if t.name == tensor.name)
    axes = (b if isinstance(b, int) else a for a, b in zip(tensor.shape, other.shape))
    return TensorInfo(tensor.name, tensor.dtype, tuple(axes))


def _options(onnxruntime: Any, threads: int, layout: GraphLayout | None = None) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = _ERRORS_ONLY
    # Chunks differ in length, so plans made for one shape don't serve the next, and an arena keeps
    # what one long clause needed for ever.  Without both: as fast within the noise, and 6 MB less
    # after a long clause (int8; 15 MB in fp32), measured on graphs of a real bundle's size.  A
    # HiFi-GAN decoder is the exception: with an arena a fifth faster, and no larger.
    options.enable_cpu_mem_arena = layout is not None and layout.keeps_memory
    options.enable_mem_pattern = False
    # The other format that a session takes isn't screened.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    if layout is not None and layout.widens_weights:
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    # A spinning pool burns a phone's battery between chunks.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


def _info(node: Any, where: str) -> TensorInfo:
    if node.type not in _DTYPES:
        raise EngineError(f"{where}: {node.name!r} is a {node.type}, which voicelet can't handle")
    shape = tuple(axis if isinstance(axis, (int, str)) else "" for axis in node.shape)
    return TensorInfo(node.name, _DTYPES[node.type], shape)


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__
