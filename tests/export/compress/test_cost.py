"""Costs of models and graphs, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

torch = pytest.importorskip("torch")

from voicelet.errors import BundleError  # noqa: E402
from voicelet_export.compress.cost import (  # noqa: E402
    SpeechRate,
    acoustic_cost,
    graph_cost,
    model_cost,
    vocoder_cost,
)
from voicelet_export.compress.prune.measure import export_graphs  # noqa: E402
from voicelet_export.models.fastspeech2 import AcousticConfig, AcousticModel  # noqa: E402
from voicelet_export.models.vocos import Vocoder, VocoderConfig  # noqa: E402


def test_the_costs_of_models_are_those_counted_by_hand() -> None:
    vocoder = Vocoder(VocoderConfig(channels=8, hidden=24, blocks=2, kernel=7, fft_size=1200))
    entry, block, head = 82 * 8 * 7, 8 * 7 + 2 * 8 * 24, 8 * 3 * 601
    envelope = 80 * 601
    assert vocoder_cost(vocoder).madds == 80 * (entry + 2 * block + head + envelope)

    config = AcousticConfig(
        channels=8, hidden=24, encoder_blocks=1, attention_heads=2, pitch_blocks=1, mel_blocks=2
    )
    rate = SpeechRate(frames_per_s=80.0, phones_per_s=10.0, clause_s=2.0)
    condition = 4 * 2 * 8 + 80
    clause = 328 * 8 + 8 * 8 + 8 * 16 + 8 * condition
    phone = (8 * 7 + 2 * 8 * 24) + 4 * 8 * 8 + 5 * 8 * 8 + 8 * 3 + 2 * 20 * 8
    frame = (8 + 4) * 8 + 3 * (8 * 7 + 2 * 8 * 24) + 8 * 2 + 3 * 8 + 8 * 80
    found = acoustic_cost(AcousticModel(config), rate)
    assert found.madds == clause / 2.0 + 10.0 * phone + 80.0 * frame


@pytest.mark.parametrize(
    "model",
    [
        Vocoder(VocoderConfig(channels=24, hidden=64, blocks=3, block_hidden=(8, 40, 64))),
        AcousticModel(AcousticConfig(channels=24, hidden=48, attention_heads=3, mel_blocks=3)),
    ],
    ids=["vocoder", "acoustic"],
)
def test_models_and_their_graphs_cost_the_same(model: torch.nn.Module) -> None:
    model = model.eval().requires_grad_(False)
    graphs = export_graphs(model)
    lengths = {"phones_count": 56, "frames_count": 320}  # four seconds
    madds = sum(graph_cost(g, lengths).madds for g in graphs.values())
    assert madds / 4.0 == model_cost(model).madds
    with pytest.raises(BundleError, match="give the length of axis"):
        graph_cost(next(iter(graphs.values())), {})


def test_convolutions_and_recurrences_of_any_graph_are_counted() -> None:
    shapes = {
        "conv": (6, 4, 3), "depthwise": (6, 1, 5), "up": (6, 2, 8), "w": (1, 40, 2),
        "r": (1, 40, 10),
    }  # fmt: skip
    weights = [numpy_helper.from_array(np.zeros(s, np.float32), n) for n, s in shapes.items()]
    nodes = [
        helper.make_node("Conv", ["x", "conv"], ["a"], pads=[1, 1]),  # 20 places
        helper.make_node("Conv", ["a", "depthwise"], ["b"], group=6, strides=[2]),  # 8 places
        helper.make_node("ConvTranspose", ["b", "up"], ["c"], strides=[4]),
        helper.make_node("Transpose", ["c"], ["d"], perm=[2, 0, 1]),  # 36 steps of [1, 2]
        helper.make_node("LSTM", ["d", "w", "r"], ["y"], hidden_size=10),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, "time"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [x], [y], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    cost = graph_cost(model, {"time": 20})
    recurrent = 36 * (40 * 2 + 40 * 10)
    assert cost.madds == 20 * 6 * 4 * 3 + 8 * 6 * 5 + 8 * 6 * 2 * 8 + recurrent
    assert cost.parameters == sum(int(np.prod(s)) for s in shapes.values())
