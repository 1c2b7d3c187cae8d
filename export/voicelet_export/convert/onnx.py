"""The trained models as ONNX graphs (the contract is in `docs/architecture.md`).

The graphs are the models' own arithmetic with constants folded: layer scales into the matrices that
precede them, attention's scale into the queries, convolutions into matrix products.  `parity.py`
holds them to the models.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from torch import Tensor, nn

from voicelet.audio.features import FloatArray
from voicelet_export.convert.graph import GraphBuilder
from voicelet_export.models.blocks import ConvNeXtBlock, SelfAttention
from voicelet_export.models.fastspeech2 import (
    FRAME_FEATURES,
    PITCH_SCALE,
    AcousticDecoder,
    AcousticEncoder,
)
from voicelet_export.models.timbre import ATTENTION_HEADS, TimbreEncoder
from voicelet_export.models.vocos import Vocoder

Film = tuple[str, str]
"""Names of a computed scale and shift, both [channels]."""


def encoder_graph(model: AcousticEncoder) -> onnx.ModelProto:
    """Phones and speaker → hidden states, durations, pitch, energy and the decoder's condition.

    A model with languages takes `language` [1] too, one with timbre tokens `tokens` [1, tokens,
    width], which :func:`timbre_graph` makes; zeros are for people who have none.
    """
    g, c = GraphBuilder("acoustic_encoder"), model.config
    phones = g.input("phones", "int64", (1, "phones_count"))
    speaker = g.input("speaker", "float32", (1, c.speaker_size))
    centred = g.op("Sub", speaker, g.constant(_np(model.speaker_mean), "speaker.mean"))
    # Not folded into the layer below: its parts differ too much in size for one int8 scale.
    x = g.op("Div", centred, g.constant(_np(model.speaker_std), "speaker.std"))
    x = _linear(g, x, model.speaker[0], "speaker.0")
    embedded = _linear(g, g.mul(x, g.op("Sigmoid", x)), model.speaker[2], "speaker.2")
    # The order of nodes counts: without languages and tokens the file is that of voice 0.4.
    language = g.input("language", "int64", (1,)) if c.languages else ""
    if language:
        embedded = g.add(embedded, _language_row(g, model, "clause", language))
    tokens = ""
    if c.timbre_tokens:
        size = c.timbre_tokens * c.timbre_width
        given = g.input("tokens", "float32", (1, c.timbre_tokens, c.timbre_width))
        pool = _np(model.timbre_pool.weight) * size**-0.5
        flat = g.reshape(given, (1, size))
        embedded = g.add(embedded, g.linear(flat, pool, _zeros(c.channels), "timbre_pool"))
        tokens = g.reshape(given, (c.timbre_tokens, c.timbre_width))
    film = _linear(g, embedded, model.film, "film")
    films = _films(g, film, len(model.blocks), c.channels)
    table = g.constant(_np(model.embed.weight), "embed.weight")
    x = g.op("Gather", table, g.reshape(phones, (-1,)), axis=0)
    if language:
        x = g.add(x, _language_row(g, model, "phones", language))
    for i, block in enumerate(model.blocks):
        if i == c.attention_place:
            x = _look(g, x, model, tokens)
        x = _block(g, x, block, f"blocks.{i}", films[i])
    if c.attention_place == len(model.blocks):
        x = _look(g, x, model, tokens)
    hidden = _norm(g, x, model.out_norm.norm, "out_norm")
    conv = model.variance_conv
    v = g.op("Relu", g.convolution(hidden, _np(conv.weight), _np(conv.bias), "variance_conv"))
    v = _norm(g, v, model.variance_norm.norm, "variance_norm")
    variances = _linear(g, v, model.variance_head, "variance_head")
    g.output(g.reshape(hidden, (1, -1, c.channels)), "hidden", (1, "phones_count", c.channels))
    for i, name in enumerate(("log_duration", "pitch", "energy")):
        column = g.reshape(g.columns(variances, i, i + 1), (1, -1))
        g.output(column, name, (1, "phones_count"))
    condition = _linear(g, embedded, model.condition, "condition")
    g.output(condition, "condition", (1, c.condition_size))
    return g.model()


def _language_row(g: GraphBuilder, model: AcousticEncoder, part: str, language: str) -> str:
    """What the language adds to the clause's vector, or to every phone."""
    table = g.constant(_np(getattr(model, f"language_{part}").weight), f"language.{part}")
    return g.op("Gather", table, language, axis=0)


def timbre_graph(model: TimbreEncoder) -> onnx.ModelProto:
    """A person's normalized mels, an even number of frames → timbre tokens; run at enrolment."""
    g, width = GraphBuilder("timbre"), model.width
    mel = g.input("mel", "float32", (1, "frames_count", model.n_mels))
    x = g.columns(g.rows(mel, model.n_mels), 0, model.bands)
    x = _linear(g, g.reshape(x, (-1, 2 * model.bands)), model.project, "project")
    for i, block in enumerate(model.blocks):
        x = _block(g, x, block, f"blocks.{i}", None)
    x = _linear(g, _norm(g, x, model.norm, "norm"), model.key_value, "key_value")
    query = _np(model.query)
    y = _cross(g, g.constant(query, "query"), x, width)
    y = _norm(g, y, model.out_norm, "out_norm")
    g.output(g.reshape(y, (1, *query.shape)), "tokens", (1, *query.shape))
    return g.model()


def decoder_graph(model: AcousticDecoder) -> onnx.ModelProto:
    """Frames of hidden states → mel, f0 and the probability of voicing."""
    g, c = GraphBuilder("acoustic_decoder"), model.config
    width = c.channels + FRAME_FEATURES
    given = g.input("frames", "float32", (1, "frames_count", width))
    condition = g.input("condition", "float32", (1, c.condition_size))
    log_f0_mean = g.input("log_f0_mean", "float32", (1, 1))
    n_pitch, n_films = len(model.pitch_blocks), len(model.pitch_blocks) + len(model.mel_blocks) + 1
    films = _films(g, condition, n_films, c.channels)
    frames = g.rows(given, width)
    x = _linear(g, frames, model.project, "project")
    for i, block in enumerate(model.pitch_blocks):
        x = _block(g, x, block, f"pitch_blocks.{i}", films[i])
    head = _linear(g, x, model.pitch_head, "pitch_head")
    token_pitch = g.columns(frames, c.channels, c.channels + 1)
    # In units of the pitch feature, relative to the speaker's mean.
    relative = g.add(token_pitch, g.columns(head, 0, 1))
    log_f0 = g.add(g.mul(relative, g.constant(np.array([PITCH_SCALE], np.float32))), log_f0_mean)
    voicing = g.op("Sigmoid", g.columns(head, 1, 2))
    absolute = g.op("Sub", log_f0, g.constant(np.array([5.0], np.float32)))
    told = g.op("Concat", g.mul(relative, voicing), g.mul(absolute, voicing), voicing, axis=1)
    x = g.add(x, _linear(g, told, model.pitch_embed, "pitch_embed"))
    for i, block in enumerate(model.mel_blocks):
        x = _block(g, x, block, f"mel_blocks.{i}", films[n_pitch + i])
    x = g.layer_norm(x, *films[-1], "out_norm")
    used = n_films * 2 * c.channels
    mel = g.add(
        _linear(g, x, model.mel_head, "mel_head"), g.columns(condition, used, used + c.n_mels)
    )
    g.output(g.reshape(mel, (1, -1, c.n_mels)), "mel", (1, "frames_count", c.n_mels))
    g.output(g.reshape(log_f0, (1, -1)), "log_f0", (1, "frames_count"))
    g.output(g.reshape(voicing, (1, -1)), "voicing", (1, "frames_count"))
    return g.model()


def vocoder_graph(model: Vocoder) -> onnx.ModelProto:
    """Mel, f0 and, for a source that pauses, voicing → the filters of both sources."""
    g, c = GraphBuilder("vocoder"), model.config
    mel = g.rows(g.input("mel", "float32", (1, "frames_count", c.n_mels)), c.n_mels)
    log_f0 = g.reshape(g.input("log_f0", "float32", (1, "frames_count")), (-1, 1))
    centred = g.mul(
        g.op("Sub", log_f0, g.constant(np.array([5.0], np.float32))),
        g.constant(np.array([2.0], np.float32)),
    )
    if c.continuous_source:  # as many ones as there are frames
        voicing = g.op("Exp", g.mul(log_f0, g.constant(np.zeros(1, np.float32))))
        x = g.op("Concat", mel, centred, voicing, axis=1)
    else:
        voicing = g.reshape(g.input("voicing", "float32", (1, "frames_count")), (-1, 1))
        x = g.op("Concat", mel, g.mul(centred, voicing), voicing, axis=1)
    x = g.convolution(x, _np(model.entry.weight), _np(model.entry.bias), "entry")
    x = _norm(g, x, model.entry_norm.norm, "entry_norm")
    for i, block in enumerate(model.blocks):
        x = _block(g, x, block, f"blocks.{i}", None)
    x = _norm(g, x, model.out_norm.norm, "out_norm")
    envelope = _np(model.envelope)
    # mel · std + mean, then to bins: one product with folded constants.
    base = g.linear(
        mel, (envelope * _np(model.mel_std)[:, None]).T, _np(model.mel_mean) @ envelope, "envelope"
    )
    weight, bias = _np(model.head.weight), _np(model.head.bias)
    for i, name in enumerate(n for n in c.outputs if n != "target"):
        cut = slice(i * c.n_bins, (i + 1) * c.n_bins)
        y = g.linear(x, weight[cut], bias[cut], f"head.{name}")
        if name != "harmonic_phase":
            y = g.add(base, y)
        g.output(g.reshape(y, (1, -1, c.n_bins)), name, (1, "frames_count", c.n_bins))
    if c.corrects:
        bands = g.add(
            g.mul(mel, g.constant(_np(model.mel_std), "mel_std")),
            g.constant(_np(model.mel_mean), "mel_mean"),
        )
        g.output(g.reshape(bands, (1, -1, c.n_mels)), "target", (1, "frames_count", c.n_mels))
    return g.model()


def _np(tensor: Tensor) -> FloatArray:
    array: FloatArray = tensor.detach().cpu().numpy().astype(np.float32)
    return array


def _linear(g: GraphBuilder, x: str, layer: Any, name: str) -> str:
    return g.linear(x, _np(layer.weight), _np(layer.bias), name)


def _norm(g: GraphBuilder, x: str, layer: nn.LayerNorm, name: str) -> str:
    scale = g.constant(_np(layer.weight), f"{name}.weight")
    return g.layer_norm(x, scale, g.constant(_np(layer.bias), f"{name}.bias"), name)


def _films(g: GraphBuilder, condition: str, count: int, channels: int) -> list[Film]:
    """Cut [1, ≥ count · 2 · channels] into scales (one added) and shifts, each [channels]."""
    one = g.constant(np.array([1.0], np.float32))
    films = []
    for i in range(count):
        first = 2 * channels * i
        scale = g.reshape(g.columns(condition, first, first + channels), (channels,))
        shift = g.columns(condition, first + channels, first + 2 * channels)
        films.append((g.add(scale, one), g.reshape(shift, (channels,))))
    return films


def _block(g: GraphBuilder, x: str, block: ConvNeXtBlock, name: str, film: Film | None) -> str:
    conv = block.depthwise
    y = g.depthwise(x, _np(conv.weight), _np(conv.bias), f"{name}.depthwise")
    if film is None:
        y = _norm(g, y, block.norm.norm, f"{name}.norm")
    else:
        y = g.layer_norm(y, *film, f"{name}.norm")
    y = g.op("Relu", _linear(g, y, block.expand, f"{name}.expand"))
    layer_scale = _np(block.layer_scale)
    weight = _np(block.contract.weight) * layer_scale[:, None]
    bias = _np(block.contract.bias) * layer_scale
    return g.add(x, g.linear(y, weight, bias, f"{name}.contract"))


def _look(g: GraphBuilder, x: str, model: AcousticEncoder, tokens: str) -> str:
    """Self-attention of phones, and their attention to timbre tokens where there are any."""
    x = _attention(g, x, model.attention, "attention")
    if not tokens:
        return x
    layer, width = model.timbre_attention, model.config.timbre_width
    query = _linear(g, _norm(g, x, layer.norm, "timbre.norm"), layer.query, "timbre.query")
    pairs = g.linear(tokens, _np(layer.key_value.weight), _zeros(2 * width), "timbre.key_value")
    y = _cross(g, query, pairs, width)
    channels = model.config.channels
    return g.add(x, g.linear(y, _np(layer.out.weight), _zeros(channels), "timbre.out"))


def _cross(g: GraphBuilder, query: str, pairs: str, width: int) -> str:
    """Attention of `query` [rows, width] to keys and values side by side, [places, 2 · width]."""
    heads, size = ATTENTION_HEADS, width // ATTENTION_HEADS
    parts = []
    for x, perm in (
        (query, [1, 0, 2]),
        (g.columns(pairs, 0, width), [1, 2, 0]),
        (g.columns(pairs, width, 2 * width), [1, 0, 2]),
    ):
        parts.append(g.op("Transpose", g.reshape(x, (-1, heads, size)), perm=perm))
    scale = g.constant(np.array([size**-0.5], np.float32))
    score = g.op("Softmax", g.mul(g.op("MatMul", parts[0], parts[1]), scale), axis=-1)
    y = g.op("Transpose", g.op("MatMul", score, parts[2]), perm=[1, 0, 2])
    return g.reshape(y, (-1, width))


def _zeros(count: int) -> FloatArray:
    return np.zeros(count, np.float32)


def _attention(g: GraphBuilder, x: str, layer: SelfAttention, name: str) -> str:
    heads, width = layer.heads, layer.width
    channels = heads * width
    normed = _norm(g, x, layer.norm, f"{name}.norm")
    weight, bias = _np(layer.qkv.weight).copy(), _np(layer.qkv.bias).copy()
    weight[:channels] *= width**-0.5
    bias[:channels] *= width**-0.5
    joint = g.linear(normed, weight, bias, f"{name}.qkv")
    parts = []
    for i, perm in enumerate(([1, 0, 2], [1, 2, 0], [1, 0, 2])):  # queries, keys, values
        part = g.columns(joint, i * channels, (i + 1) * channels)
        parts.append(g.op("Transpose", g.reshape(part, (-1, heads, width)), perm=perm))
    query, key, value = parts
    score = g.op("Softmax", g.op("MatMul", query, key), axis=-1)
    y = g.op("Transpose", g.op("MatMul", score, value), perm=[1, 0, 2])
    return g.add(x, _linear(g, g.reshape(y, (-1, channels)), layer.out, f"{name}.out"))
