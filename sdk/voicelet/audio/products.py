"""Matrix products that stay on the calling thread.

numpy leaves a product to a BLAS library.  The one in its wheels, OpenBLAS, shares a larger product
among threads of its own, which then spin for a while, waiting for another: that doubles the CPU
time of speech, and on a busy machine the caller waits for threads that get no core.  A library
mustn't change the caller's BLAS settings, so the products here are cut up: OpenBLAS keeps small
ones on the calling thread (`interface/gemm.c`, `interface/gemv.c`: up to 262,144 multiplications,
fewer on some ARM cores, and 9,216 elements of a matrix that meets a vector).

For a handful of rows `np.einsum`, which never calls a BLAS, is simpler and fast enough.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_MULTIPLICATIONS = 120_000
"""At most so many in one call of the BLAS."""
_ELEMENTS = 1 << 13
"""Of the right-hand matrix in one call, at most."""


class BandMatrix:
    """A matrix whose columns are zero outside a few neighbouring rows, like a filterbank.

    Only the rows that matter are multiplied, so that a product is also faster than a dense one.
    Immutable; threads may share it.

    Args:
        matrix: [k, n].
        block_elements: of the blocks it is cut into, at most 8,192 where a column allows it.
            Small blocks hold fewer zeros, large ones take fewer calls.
    """

    __array_ufunc__ = None  # so that `rows @ band` comes here

    def __init__(self, matrix: npt.NDArray[Any], block_elements: int = 1024) -> None:
        self.shape = matrix.shape
        self._dtype = matrix.dtype
        self._blocks = _cut(matrix, min(block_elements, _ELEMENTS))

    def __rmatmul__(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """`rows` [m, k] → [m, n]."""
        if rows.ndim != 2 or rows.shape[1] != self.shape[0]:
            raise ValueError(f"can't multiply {rows.shape} with {self.shape}")
        count = len(rows)
        out = np.zeros((count, self.shape[1]), np.result_type(rows.dtype, self._dtype))
        for first, columns, block in self._blocks:
            part = rows[:, first : first + len(block)]
            if block.size > _ELEMENTS:  # a single long column
                np.einsum("mk,kn->mn", part, block, out=out[:, columns])
                continue
            step = max(1, _MULTIPLICATIONS // block.size)
            for start in range(0, count, step):
                there = out[start : start + step, columns]
                np.matmul(part[start : start + step], block, out=there)
        return out


def _cut(
    matrix: npt.NDArray[Any], block_elements: int
) -> list[tuple[int, slice, npt.NDArray[Any]]]:
    """Blocks of neighbouring columns, without the rows that are zero in all of them.

    Returns:
        (first row, columns, block [rows, columns]).
    """
    if not matrix.size:
        return []
    used = matrix != 0
    firsts = used.argmax(axis=0)
    lasts = np.where(used.any(axis=0), len(matrix) - used[::-1].argmax(axis=0), firsts)
    blocks = []
    start, count = 0, matrix.shape[1]
    while start < count:
        low, high, stop = int(firsts[start]), int(lasts[start]), start + 1
        while stop < count:
            wider = min(low, int(firsts[stop])), max(high, int(lasts[stop]))
            if (wider[1] - wider[0]) * (stop + 1 - start) > block_elements:
                break
            (low, high), stop = wider, stop + 1
        columns = slice(start, stop)
        if high > low:
            blocks.append((low, columns, np.ascontiguousarray(matrix[low:high, columns])))
        start = stop
    return blocks


def product(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """`left` [m, k] times `right` [k, n], on the calling thread: [m, n]."""
    out: npt.NDArray[Any] = left @ BandMatrix(right, _ELEMENTS)
    return out
