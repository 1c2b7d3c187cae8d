"""What an engine is: something that opens a graph and runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from voicelet.errors import EngineError

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
    """

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    context_frames: int = 0
    keeps_memory: bool = False


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

    def open(self, path: Path, *, threads: int = 1, layout: GraphLayout | None = None) -> Graph:
        """Open a graph.

        Args:
            path: its file.
            threads: threads that one `run` may use, at least 1.
            layout: what the manifest says of it; without it the graph is as its file says.

        Raises:
            EngineError: the engine isn't installed, or the file isn't a graph for it.
        """


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
