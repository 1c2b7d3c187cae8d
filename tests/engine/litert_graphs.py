"""Two LiteRT graphs of a few kilobytes, and what they compute, in numpy.

`python -m tests.engine.litert_graphs` writes them anew; it needs `voicelet-export[tflite]`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from voicelet.engine import GraphLayout, TensorInfo

DATA = Path(__file__).resolve().parent / "data"
LENGTHS = (16, 32)
ROWS = 4
CONTEXT = 4
"""Of two convolutions of five places."""

CONVOLUTIONS = GraphLayout(
    inputs=(
        TensorInfo("x", "float32", (1, "frames", 3)),
        TensorInfo("token", "int64", (1, "frames")),
        TensorInfo("gain", "float32", (1, 3)),
    ),
    outputs=(
        TensorInfo("y", "float32", (1, "frames", 3)),
        TensorInfo("twice", "float32", (1, "halves")),
    ),
    context_frames=CONTEXT,
)
RECURRENT = GraphLayout(
    inputs=(TensorInfo("x", "float32", ("rows", 6, 2)),),
    outputs=(TensorInfo("y", "float32", ("rows", 2)),),
)


def weights() -> np.ndarray:
    """[out, in, places] of both convolutions."""
    return np.sin(np.arange(45, dtype=np.float32)).reshape(3, 3, 5) * np.float32(0.5)


def convolutions(x: np.ndarray, token: np.ndarray, gain: np.ndarray) -> dict[str, np.ndarray]:
    """Two convolutions with a relu between them, of x plus a table's rows, times a gain."""
    table = np.cos(np.arange(12, dtype=np.float32)).reshape(4, 3)
    value = x[0] + table[token[0]]
    for step in range(2):
        padded = np.pad(value, ((2, 2), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, 5, axis=0)
        value = np.einsum("tik,oik->to", windows, weights())
        value = np.maximum(value, 0.0) if step == 0 else value
    y = value[None] * gain[:, None]
    return {"y": y, "twice": np.repeat(y[..., 0], 2, axis=1)}


def recurrent(x: np.ndarray) -> np.ndarray:
    """A leaky sum over the six places, then a product."""
    state = np.zeros((len(x), 2), np.float32)
    for place in range(6):
        state = np.tanh(0.5 * state + x[:, place])
    return state @ np.array([[1.0, -1.0], [2.0, 0.5]], np.float32)


def main() -> None:
    """Write both files."""
    import torch
    from torch import Tensor, nn

    from voicelet_export.convert.tflite.modules import at_lengths, convert

    class Convolutions(nn.Module):
        def forward(
            self, x: Tensor, token: Tensor, gain: Tensor, keep: Tensor
        ) -> dict[str, Tensor]:
            table = torch.cos(torch.arange(12, dtype=torch.float32)).reshape(4, 3)
            weight = torch.from_numpy(weights())
            value = x + nn.functional.embedding(token, table)
            for step in range(2):
                columns = (value * keep).transpose(1, 2)
                value = nn.functional.conv1d(columns, weight, padding=2).transpose(1, 2)
                value = torch.relu(value) if step == 0 else value
            y = value * gain.unsqueeze(1)
            return {"y": y, "twice": y[:, :, :1].repeat(1, 1, 2).reshape(1, -1)}

    class Step(nn.Module):
        def forward(self, x: Tensor, state: Tensor) -> dict[str, Tensor]:
            return {"next_state": torch.tanh(0.5 * state + x)}

    class End(nn.Module):
        def forward(self, state: Tensor) -> dict[str, Tensor]:
            return {"y": state @ torch.tensor([[1.0, -1.0], [2.0, 0.5]])}

    def given(n: int) -> dict[str, Tensor]:
        return {
            "x": torch.zeros(1, n, 3),
            "token": torch.zeros(1, n, dtype=torch.int32),
            "gain": torch.zeros(1, 3),
            "keep": torch.ones(1, n, 1),
        }

    def row(n: int) -> dict[str, Tensor]:
        return {"x": torch.zeros(n, 2), "state": torch.zeros(n, 2)}

    DATA.mkdir(exist_ok=True)
    graph = convert(at_lengths(Convolutions(), LENGTHS, given))
    (DATA / "convolutions.tflite").write_bytes(graph)
    steps = at_lengths(Step(), (ROWS,), row, "step")
    ends = at_lengths(End(), (ROWS,), lambda n: {"state": torch.zeros(n, 2)}, "end")
    (DATA / "recurrent.tflite").write_bytes(convert([*steps, *ends]))


if __name__ == "__main__":
    main()
