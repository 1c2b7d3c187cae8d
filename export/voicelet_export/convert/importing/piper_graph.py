"""Piper's graphs: which constant is which weight of VITS, and graphs whose noise is an input.

Piper exports keep the module path in every node's name (`/dec/ups.0/ConvTranspose`), so a weight is
found by the node that uses it; its own name may be gone (`onnx::Conv_8168`, for a folded weight
norm) or belong to another weight of the same values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from voicelet.errors import BundleError
from voicelet_export.convert.importing.onnx_constants import Array, Constants

State = dict[str, Array]

_CONVOLUTIONS = ("Conv", "ConvTranspose")


def recover(model: onnx.ModelProto) -> State:
    """All weights of the generator, under the names of the authors' checkpoints.

    Raises:
        BundleError: a weight isn't where a Piper export has it.
    """
    constants = Constants(model)
    state: State = {}
    for node in model.graph.node:
        scope = scope_of(node)
        if node.op_type in _CONVOLUTIONS:
            if scope.rsplit(".", 1)[-1] == "" or "." not in scope:
                raise BundleError(f"node {node.name!r} has lost its module path; not a Piper file")
            state[f"{scope}.weight"] = constants.value(node.input[1])
            if len(node.input) > 2 and node.input[2]:
                state[f"{scope}.bias"] = constants.value(node.input[2])
        elif node.op_type == "Gather" and scope in ("enc_p.emb", "emb_g"):
            state[f"{scope}.weight"] = constants.value(node.input[0])
        elif ".norm" in scope:
            _norm(node, scope, constants, state)
        elif scope.startswith("enc_p.encoder.attn_layers."):
            _attention(node, scope, constants, state)
        elif scope == "dp.flows.0":
            _affine(node, constants, state)
    if "enc_p.emb.weight" not in state or "dec.conv_pre.weight" not in state:
        raise BundleError("the graph has no text encoder and decoder where a Piper file has them")
    return state


def scope_of(node: onnx.NodeProto) -> str:
    """The module a node comes from: `/dec/ups.0/ConvTranspose` → `dec.ups.0`."""
    return ".".join(node.name.strip("/").split("/")[:-1])


def _one_constant(node: onnx.NodeProto, constants: Constants) -> Array | None:
    """The only constant operand of a node; `None` unless there is exactly one."""
    known = [i for i in node.input if i and i in constants]
    return constants.value(known[0]) if len(known) == 1 and len(node.input) == 2 else None


def _norm(node: onnx.NodeProto, scope: str, constants: Constants, state: State) -> None:
    if node.op_type == "LayerNormalization":
        state[f"{scope}.gamma"] = constants.value(node.input[1])
        state[f"{scope}.beta"] = constants.value(node.input[2])
    elif node.op_type in ("Mul", "Add"):
        value = _one_constant(node, constants)
        if value is not None and value.size > 1:  # the epsilon is a single value
            state[f"{scope}.{'gamma' if node.op_type == 'Mul' else 'beta'}"] = value.reshape(-1)


def _attention(node: onnx.NodeProto, scope: str, constants: Constants, state: State) -> None:
    """The embeddings of distance: padded or cut to the sentence, or multiplied at once."""
    names = [i for i in node.input if i in constants]
    for name in names:
        for kind in ("emb_rel_k", "emb_rel_v"):
            if name == f"{scope}.{kind}":
                state[name] = constants.value(name)
    if node.op_type != "MatMul" or not names:
        return
    value = constants.value(names[0])
    keys, values = f"{scope}.emb_rel_k", f"{scope}.emb_rel_v"
    # The queries meet the keys' embeddings (transposed) before the weights meet the values'.
    if keys not in state:
        state[keys] = np.ascontiguousarray(np.swapaxes(_three(value), 1, 2))
    elif values not in state:
        state[values] = _three(value)


def _three(value: Array) -> Array:
    return value.reshape(-1, *value.shape[-2:])


def _affine(node: onnx.NodeProto, constants: Constants, state: State) -> None:
    """`(z - m) · exp(-logs)`."""
    value = _one_constant(node, constants)
    if value is None or value.size == 1:
        return
    if node.op_type == "Sub":
        state["dp.flows.0.m"] = value.reshape(-1, 1)
    elif node.op_type == "Mul":
        if not (value > 0).all():
            raise BundleError("the duration flow's scale isn't positive; not a Piper file")
        state["dp.flows.0.logs"] = -np.log(value).reshape(-1, 1)


def sizes(model: onnx.ModelProto, state: State) -> dict[str, Any]:
    """The configuration of the model that these weights belong to, as a mapping.

    Raises:
        BundleError: the weights are not those of a VITS.
    """
    try:
        return _sizes(model, state)
    except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
        raise BundleError(f"the weights aren't those of a Piper voice ({error!r})") from None


def _sizes(model: onnx.ModelProto, state: State) -> dict[str, Any]:
    symbols, channels = state["enc_p.emb.weight"].shape
    latent = state["enc_p.proj.weight"].shape[0] // 2
    distances = state["enc_p.encoder.attn_layers.0.emb_rel_k"].shape
    hidden = state["enc_p.encoder.ffn_layers.0.conv_1.weight"].shape
    speakers, width = state["emb_g.weight"].shape if "emb_g.weight" in state else (0, 0)
    couplings = 1 + _most(state, "flow.flows.") // 2
    return {
        "n_symbols": symbols,
        "channels": channels,
        "latent": latent,
        "filter": hidden[0],
        "kernel": hidden[2],
        "heads": channels // distances[2],
        "window": (distances[1] - 1) // 2,
        "layers": 1 + _most(state, "enc_p.encoder.attn_layers."),
        "n_speakers": speakers,
        "speaker_channels": width,
        "speaker_durations": "dp.cond.weight" in state,
        "duration_flows": (_most(state, "dp.flows.") + 1) // 2,
        "duration_kernel": state["dp.convs.convs_sep.0.weight"].shape[2],
        "spline_bins": (state["dp.flows.3.proj.weight"].shape[0] + 1) // 3,
        "couplings": couplings,
        "coupling_layers": 1 + _most(state, "flow.flows.0.enc.in_layers."),
        "coupling_kernel": state["flow.flows.0.enc.in_layers.0.weight"].shape[2],
        "dilation_rate": _attribute(model, "flow.flows.0.enc.in_layers.1", "dilations", [1])[0],
        "decoder": _decoder(model, state, latent, width),
    }


def _decoder(model: onnx.ModelProto, state: State, latent: int, width: int) -> dict[str, Any]:
    ups = 1 + _most(state, "dec.ups.")
    count = (1 + _most(state, "dec.resblocks.")) // ups
    paired = "dec.resblocks.0.convs1.0.weight" in state
    convs = "convs1" if paired else "convs"
    kernels, dilations = [], []
    for i in range(count):
        block = f"dec.resblocks.{i}.{convs}"
        kernels.append(state[f"{block}.0.weight"].shape[2])
        layers = range(1 + _most(state, f"{block}."))
        dilations.append([_attribute(model, f"{block}.{j}", "dilations", [1])[0] for j in layers])
    return {
        "n_mels": latent,
        "initial_channels": state["dec.conv_pre.weight"].shape[0],
        "upsample_rates": [
            _attribute(model, f"dec.ups.{i}", "strides", [1])[0] for i in range(ups)
        ],
        "upsample_kernels": [state[f"dec.ups.{i}.weight"].shape[2] for i in range(ups)],
        "resblock": "1" if paired else "2",
        "resblock_kernels": kernels,
        "resblock_dilations": dilations,
        "speaker_channels": width,
        "last_bias": "dec.conv_post.bias" in state,
    }


def _most(state: State, prefix: str) -> int:
    """The highest number that follows `prefix`."""
    rest = (name[len(prefix) :] for name in state if name.startswith(prefix))
    return max(int(r.split(".")[0]) for r in rest)


def _attribute(model: onnx.ModelProto, scope: str, name: str, default: list[int]) -> list[int]:
    for node in model.graph.node:
        if node.op_type in _CONVOLUTIONS and scope_of(node) == scope:
            for attribute in node.attribute:
                if attribute.name == name:
                    return [int(i) for i in attribute.ints] or default
    return default


def expose_noise_and_durations(model: onnx.ModelProto, path: Path) -> int:
    """Turn a graph's random numbers into inputs and its durations into an output, in place.

    The inputs are `duration_noise` [1, 2, phones] and `latent_noise` [1, channels, frames], the
    output is `duration_units` [1, 1, phones], in frames of the voice.

    Returns:
        Channels of the latent.

    Raises:
        BundleError: the graph isn't a Piper voice's; `path` is named in the message.
    """
    graph = model.graph
    randoms = [n for n in graph.node if n.op_type == "RandomNormalLike"]
    ceils = [n for n in graph.node if n.op_type == "Ceil"]
    duration = [n for n in randoms if n.name.startswith("/dp")]
    latent = [n for n in randoms if not n.name.startswith("/dp")]
    if len(duration) != 1 or len(latent) != 1 or len(ceils) != 1:
        raise BundleError(f"{path}: not a Piper voice (its graph has another make)")
    channels = _latent_channels(graph, path)
    inputs = (("duration_noise", (1, 2, "M")), ("latent_noise", (1, channels, "L")))
    for name, shape in inputs:
        graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    constants = {"cut.zero": [0], "cut.axis": [2], "cut.next": [3]}
    for name, value in constants.items():
        graph.initializer.append(numpy_helper.from_array(np.array(value, np.int64), name))
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.name == duration[0].name:
            nodes.append(helper.make_node("Identity", ["duration_noise"], node.output))
        elif node.name == latent[0].name:
            cut = ["cut.shape", "cut.zero", "cut.next", "cut.axis", "cut.end"]
            nodes += [
                helper.make_node("Shape", [node.input[0]], [cut[0]]),
                helper.make_node("Slice", [cut[0], "cut.axis", "cut.next"], [cut[4]]),
                helper.make_node(
                    "Slice", ["latent_noise", cut[1], cut[4], cut[3]], list(node.output)
                ),
            ]
        else:
            nodes.append(node)
    nodes.append(helper.make_node("Identity", [ceils[0].output[0]], ["duration_units"]))
    del graph.node[:]
    graph.node.extend(nodes)
    graph.output.append(
        helper.make_tensor_value_info("duration_units", TensorProto.FLOAT, (1, 1, "M"))
    )
    return channels


def _latent_channels(graph: onnx.GraphProto, path: Path) -> int:
    """Width of the latent: what the decoder's first convolution takes."""
    weights = {t.name: t for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Conv" and "conv_pre" in node.name and node.input[1] in weights:
            return int(weights[node.input[1]].dims[1])
    raise BundleError(f"{path}: not a Piper voice (it has no HiFi-GAN decoder)")
