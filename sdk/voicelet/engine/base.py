"""What an engine is: something that opens a graph and runs it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from voicelet.errors import BundleTamperedError, EngineError

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class TensorInfo:
    """One input or output of a graph.

    Attributes:
        name: as in the graph.
        dtype: numpy's name for it ("float32").
        shape: a length for every axis; a string names an axis that varies (equal names, equal
            lengths), "" is one that varies freely.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class GraphLayout:
    """What a bundle's manifest says of a graph, for engines whose files can't say it.

    Attributes:
        inputs, outputs: what it takes and gives; a string in a shape names an axis that varies.
        context_frames: neighbours on each side that a place on that axis depends on; 0 where that
            is unknown or all of them.
        keeps_memory: whether its inner tensors are so large (a decoder's at the rate of samples)
            that asking the system for them anew, run by run, would add a fifth to its time.
        widens_weights: whether int8 weights are widened once, when the graph is opened, rather than
            run as int8: exact, and no slower for a graph that runs now and then.
    """

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    context_frames: int = 0
    keeps_memory: bool = False
    widens_weights: bool = False


class Graph(Protocol):
    """An open graph.  `run` may be called from several threads at once."""

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """What it takes."""

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """What it gives."""

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run the graph.

        Args:
            inputs: name → array, exactly those of `inputs`, of their types and shapes.

        Returns:
            output name → array.

        Raises:
            EngineError: an input is missing, unknown, or of the wrong type or shape, or the engine
                fails.
        """


class Engine(Protocol):
    """A library that runs graphs."""

    @property
    def name(self) -> str:
        """As manifests name it."""

    def open(
        self,
        path: Path,
        *,
        threads: int = 1,
        layout: GraphLayout | None = None,
        sha256: str | None = None,
        limit_s: float | None = None,
    ) -> Graph:
        """Open a graph.  It is read once, and what was checked is what runs.

        Args:
            path: its file.
            threads: threads that one `run` may use, at least 1.
            layout: what the manifest says of it; without it the graph is as its file says.
            sha256: what the file's hash must be, 64 lower-case hexadecimal digits.
            limit_s: processor time for opening it, and for one `run`, in seconds; None for graphs
                that somebody trusted vouches for.

        Raises:
            EngineError: the engine isn't installed, the file isn't a graph for it, doesn't fit
                `layout`, or holds what no graph may (`voicelet.engine.screening`).
            BundleTamperedError: the file has another hash.
        """


MAX_GRAPH_BYTES = 1 << 30


def read_graph(path: Path, sha256: str | None) -> bytes:
    """Read a graph's file.

    Raises:
        EngineError: it can't be read.
        BundleTamperedError: it has another hash.
    """
    try:
        if not path.is_file():
            raise EngineError(f"{path}: no such graph; fetch or export the bundle again")
        with open(path, "rb") as file:
            raw = file.read(MAX_GRAPH_BYTES + 1)
    except OSError as error:
        raise EngineError(
            f"{path}: {error.strerror or error}; fetch or export the bundle again"
        ) from None
    if len(raw) > MAX_GRAPH_BYTES:
        raise EngineError(f"{path}: larger than {MAX_GRAPH_BYTES >> 20} MB; not a voice's graph")
    if sha256 is not None and hashlib.sha256(raw).hexdigest() != sha256:
        raise BundleTamperedError(
            f"{path}: SHA-256 differs from the manifest's; the file was changed, fetch the bundle"
            " again from its makers"
        )
    return raw


def check_inputs(expected: tuple[TensorInfo, ...], inputs: Mapping[str, Array], where: str) -> None:
    """Compare arrays with what a graph takes.

    Raises:
        EngineError: naming the first input that is missing, unknown, or of a wrong type or shape.
    """
    names = {t.name for t in expected}
    for name in inputs:
        if name not in names:
            raise EngineError(f"{where}: no input {name!r}; it takes {', '.join(sorted(names))}")
    axes: dict[str, int] = {}
    for tensor in expected:
        if tensor.name not in inputs:
            raise EngineError(f"{where}: input {tensor.name!r} is missing")
        array = inputs[tensor.name]
        if not isinstance(array, np.ndarray):
            raise EngineError(f"{where}: input {tensor.name!r} must be a numpy array")
        if array.dtype.name != tensor.dtype:
            raise EngineError(
                f"{where}: input {tensor.name!r} must be {tensor.dtype}, not {array.dtype.name}"
            )
        if not _fits(array.shape, tensor.shape, axes):
            axis_names = ", ".join(str(axis) or "?" for axis in tensor.shape)
            raise EngineError(
                f"{where}: input {tensor.name!r} must be [{axis_names}], not {list(array.shape)}"
            )


def _fits(shape: tuple[int, ...], expected: tuple[int | str, ...], axes: dict[str, int]) -> bool:
    if len(shape) != len(expected):
        return False
    for length, axis in zip(shape, expected):
        if isinstance(axis, str):
            if axis and axes.setdefault(axis, length) != length:
                return False
        elif length != axis:
            return False
    return True


def check_tensors(
    declared: tuple[TensorInfo, ...], file: tuple[TensorInfo, ...], kind: str, where: str
) -> None:
    """Compare what a manifest says of a graph with what its file says.

    Axes that vary may be named otherwise, and a file may leave open what the manifest fixes.

    Args:
        declared, file: of the same tensors.
        kind: "input" or "output", for messages.

    Raises:
        EngineError: naming the first that differs.
    """
    found = {t.name: t for t in file}
    for tensor in declared:
        other = found.pop(tensor.name, None)
        if other is None:
            raise EngineError(f"{where}: has no {kind} {tensor.name!r}, which its manifest lists")
        fixed = all(
            isinstance(a, str) or isinstance(b, str) or a == b
            for a, b in zip(tensor.shape, other.shape)
        )
        if len(tensor.shape) != len(other.shape) or tensor.dtype != other.dtype or not fixed:
            raise EngineError(
                f"{where}: {kind} {tensor.name!r} is {other.dtype} {_spelled(other.shape)} where"
                f" its manifest lists {tensor.dtype} {_spelled(tensor.shape)}; fetch or export the"
                " bundle again"
            )
    if found:
        raise EngineError(f"{where}: {kind} {next(iter(found))!r} isn't in its manifest")


def check_outputs(expected: tuple[TensorInfo, ...], outputs: Mapping[str, Any], where: str) -> None:
    """Compare what a graph gave with what it was to give.

    Raises:
        EngineError: naming the first output that is no tensor, or of a wrong type or shape.
    """
    for tensor in expected:
        value = outputs.get(tensor.name)
        if not isinstance(value, np.ndarray):
            raise EngineError(f"{where}: gave no tensor {tensor.name!r}; fetch the bundle again")
        # Names of axes are those of whoever wrote the graph: they bind inputs, and outputs not.
        if value.dtype.name != tensor.dtype or not _fits(
            value.shape, tuple("" if isinstance(axis, str) else axis for axis in tensor.shape), {}
        ):
            raise EngineError(
                f"{where}: output {tensor.name!r} is {value.dtype.name} {list(value.shape)}"
                f" instead of {tensor.dtype} {_spelled(tensor.shape)}; fetch the bundle again"
            )


def _spelled(shape: tuple[int | str, ...]) -> str:
    return "[" + ", ".join(str(axis) or "?" for axis in shape) + "]"
