"""Graphs run by LiteRT (TensorFlow Lite), whose files have fixed shapes.

A file serves an axis that varies by several signatures that share their weights: `length_64` is
the graph for a length of 64.  Inputs are padded with zeros to the next length that there is,
outputs are cut; an input `keep` (float32, ones where there is signal) lets the graph ignore
the padding.  What is longer than the longest signature is run in pieces: rows of
a batch are independent, and a convolutional graph is given `context_frames` neighbours on each side
of a piece, so that the result is that of one run.

A recurrent graph has signatures `step_8` and `end_8`: the first takes one place of the second axis
of 8 rows, with the `state` that it gave as `next_state` before; the second makes the outputs of the
last state.  The loop over the places runs here.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voicelet.engine.base import (
    Array,
    GraphLayout,
    TensorInfo,
    check_inputs,
    check_outputs,
    read_graph,
)
from voicelet.engine.screening import screen_tflite
from voicelet.errors import EngineError

KEEP, STATE, NEXT_STATE = "keep", "state", "next_state"
_SIGNATURE = re.compile(r"(length|step|end)_([1-9][0-9]{0,5})")

Shape = tuple["int | str", ...]


@dataclass(frozen=True)
class SignatureRun:
    """One run of a signature.

    Attributes:
        length: of the signature.
        start, stop: places of the input that it is given.
        first, last: places whose results are kept.
    """

    length: int
    start: int
    stop: int
    first: int
    last: int


def plan_pieces(total: int, lengths: tuple[int, ...], context: int | None) -> list[SignatureRun]:
    """Cover `total` places with runs of fixed lengths.

    Args:
        total: at least 1.
        lengths: that there are, ascending.
        context: places on each side that a result depends on; None where it can't be cut.

    Raises:
        ValueError: it is longer than one run and can't be cut.
    """
    longest = lengths[-1]
    if total > longest and (context is None or longest <= 2 * context):
        raise ValueError(f"takes at most {longest}, not {total}; cut the input")
    margin = context or 0
    pieces: list[SignatureRun] = []
    done = 0
    while done < total:
        start = max(0, done - margin)
        length = next((n for n in lengths if n >= total - start), longest)
        stop = min(total, start + length)
        last = total if stop == total else stop - margin
        pieces.append(SignatureRun(length, start, stop, done, last))
        done = last
    return pieces


class LiteRTGraph:
    """A graph in a LiteRT interpreter; threads that share it take turns.

    Args:
        interpreter: with the signatures of this module's docstring.
        where: name for messages.
        layout: what the manifest says.

    Raises:
        EngineError: the signatures don't fit the layout.
    """

    def __init__(self, interpreter: Any, where: str, layout: GraphLayout) -> None:
        self._where, self._lock = where, threading.Lock()
        self._interpreter = interpreter  # its runners don't keep it alive
        self._inputs, self._outputs = layout.inputs, layout.outputs
        self._runners: dict[str, dict[int, _Signature]] = {"length": {}, "step": {}, "end": {}}
        for name in interpreter.get_signature_list():
            if match := _SIGNATURE.fullmatch(name):
                runner = interpreter.get_signature_runner(name)
                self._runners[match[1]][int(match[2])] = _Signature(runner)
        kind = "step" if self._runners["step"] else "length"
        self._lengths = tuple(sorted(self._runners[kind]))
        if not self._lengths:
            raise self._misfit(f"it has no signature of a fixed length ({kind}_<n>)")
        if kind == "step" and set(self._lengths) != set(self._runners["end"]):
            raise self._misfit("its signatures step_<n> and end_<n> don't pair")
        self._run_piece: Callable[[Mapping[str, Array], int, int], dict[str, Array]]
        self._run_piece = self._recur if kind == "step" else self._pad
        axes = {axis for t in self._inputs for axis in t.shape if isinstance(axis, str)}
        if len(axes) != 1:
            raise self._misfit(f"{len(axes)} of its axes vary; one must")
        self._axis = axes.pop()
        is_batch = all(t.shape[:1] == (self._axis,) for t in self._inputs)
        self._context = 0 if is_batch else layout.context_frames or None
        for length in self._lengths:
            self._check(kind, length)

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """What it takes."""
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """What it gives."""
        return self._outputs

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run the graph; see :meth:`voicelet.engine.base.Graph.run`."""
        check_inputs(self._inputs, inputs, self._where)
        first = next(t for t in self._inputs if self._axis in t.shape)
        total = inputs[first.name].shape[first.shape.index(self._axis)]
        if total == 0:
            raise EngineError(f"{self._where}: input {first.name!r} is empty")
        try:
            pieces = plan_pieces(total, self._lengths, self._context)
        except ValueError as error:
            raise EngineError(f"{self._where}: {self._axis} {error}") from None
        outputs: dict[str, list[Array]] = {t.name: [] for t in self._outputs}
        for piece in pieces:
            part = {
                t.name: _cut(inputs[t.name], t.shape, self._axis, piece.start, piece.stop)
                for t in self._inputs
            }
            with self._lock:
                try:
                    values = self._run_piece(part, piece.length, piece.stop - piece.start)
                except (ValueError, RuntimeError) as error:
                    raise EngineError(f"{self._where}: {_first_line(error)}") from error
            check_outputs(self._outputs, values, self._where)
            for t in self._outputs:
                value, axis = values[t.name], _varying(t)
                if axis is not None:
                    # A place may give several: a letter-to-sound graph has two frames a letter.
                    each = value.shape[axis] // piece.length
                    span = (piece.first - piece.start) * each, (piece.last - piece.start) * each
                    value = value[(slice(None),) * axis + (slice(*span),)]
                outputs[t.name].append(value)
        return {t.name: _joined(outputs[t.name], _varying(t)) for t in self._outputs}

    def _pad(self, part: Mapping[str, Array], length: int, count: int) -> dict[str, Array]:
        signature = self._runners["length"][length]
        return signature.run(part, count)

    def _recur(self, part: Mapping[str, Array], length: int, count: int) -> dict[str, Array]:
        step, end = self._runners["step"][length], self._runners["end"][length]
        places = next(iter(part.values())).shape[1]
        state = np.zeros(step.shapes[STATE], np.float32)
        for place in range(places):
            now = {name: value[:, place] for name, value in part.items()}
            state = step.run({**now, STATE: state}, count)[NEXT_STATE]
        return end.run({STATE: state}, count)

    def _check(self, kind: str, length: int) -> None:
        """Compare the shapes of a signature with the layout's."""
        signature = self._runners[kind][length]
        extra = {KEEP} if kind == "length" else {STATE}
        if set(signature.shapes) - extra != {t.name for t in self._inputs}:
            raise self._misfit(f"it takes {', '.join(sorted(signature.shapes))}")
        last = signature if kind == "length" else self._runners["end"][length]
        if set(last.outputs) != {t.name for t in self._outputs}:
            raise self._misfit(f"it gives {', '.join(sorted(last.outputs))}")
        for t in self._inputs:
            shape = [length if axis == self._axis else axis for axis in t.shape]
            if kind == "step":
                del shape[1]
            if list(signature.shapes[t.name]) != shape:
                raise self._misfit(f"{t.name!r} is {list(signature.shapes[t.name])}, not {shape}")

    def _misfit(self, what: str) -> EngineError:
        return EngineError(
            f"{self._where}: doesn't fit the manifest, {what}; fetch or export the bundle again"
        )


class _Signature:
    """One signature of a file: its shapes, and a run on inputs that are shorter than they."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner
        details = runner.get_input_details()
        self.shapes = {name: tuple(int(n) for n in d["shape"]) for name, d in details.items()}
        self.outputs = tuple(runner.get_output_details())
        self._dtypes = {name: np.dtype(d["dtype"]) for name, d in details.items()}

    def run(self, inputs: Mapping[str, Array], count: int) -> dict[str, Array]:
        """Pad the inputs with zeros to the signature's shapes; `count` places are signal."""
        padded = {name: self._padded(name, value) for name, value in inputs.items()}
        if KEEP in self.shapes:
            keep = np.zeros(self.shapes[KEEP], np.float32)
            keep[:, :count] = 1.0
            padded[KEEP] = keep
        outputs: dict[str, Array] = self._runner(**padded)
        return outputs

    def _padded(self, name: str, value: Array) -> Array:
        shape, dtype = self.shapes[name], self._dtypes[name]
        if value.shape == shape:
            return np.ascontiguousarray(value, dtype)
        padded = np.zeros(shape, dtype)
        padded[tuple(slice(n) for n in value.shape)] = value
        return padded


class LiteRTEngine:
    """LiteRT with its XNNPACK kernels, of `ai-edge-litert` or of the older `tflite-runtime`."""

    name = "litert"

    def open(
        self,
        path: Path,
        *,
        threads: int = 1,
        layout: GraphLayout | None = None,
        sha256: str | None = None,
        limit_s: float | None = None,
    ) -> LiteRTGraph:
        """Open a graph; see :meth:`voicelet.engine.base.Engine.open`.

        LiteRT can't be stopped, so `limit_s` has no effect; its graphs can't repeat anything.

        Raises:
            EngineError: as there, or no layout is given, which files of fixed shapes need.
        """
        if threads < 1:
            raise EngineError(f"threads must be at least 1, not {threads}")
        if layout is None:
            raise EngineError(f"{path}: a LiteRT graph needs the layout that its manifest gives")
        make = _interpreter_class()
        raw = read_graph(path, sha256)
        screen_tflite(raw, str(path))
        try:
            interpreter = make(model_content=raw, num_threads=threads)
            return LiteRTGraph(interpreter, path.name, layout)
        except (OSError, ValueError, RuntimeError) as error:
            raise EngineError(
                f"{path}: LiteRT can't open it ({_first_line(error)}); "
                "fetch or export the bundle again"
            ) from error


def _interpreter_class() -> Any:
    # 0.1 s: paid by the first graph, not by `import voicelet`.
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        try:
            from tflite_runtime.interpreter import Interpreter
        except ImportError:
            raise EngineError(
                f'LiteRT can\'t be loaded ({error}); pip install "voicelet[litert]"'
            ) from error
    return Interpreter


def _varying(tensor: TensorInfo) -> int | None:
    """The first axis that varies."""
    return next((i for i, axis in enumerate(tensor.shape) if isinstance(axis, str)), None)


def _joined(values: list[Array], axis: int | None) -> Array:
    return values[0] if axis is None or len(values) == 1 else np.concatenate(values, axis)


def _cut(value: Array, shape: Shape, axis: str, start: int, stop: int) -> Array:
    if axis not in shape:
        return value
    return value[(slice(None),) * shape.index(axis) + (slice(start, stop),)]


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__
