"""The models once more, laid out for LiteRT: one length, one sentence, places outside masked.

The weights are those of the trained models; only the layout differs.  Convolutions see [1, C, 1, T]
made of [1, T, C] by one permutation, which the converter cancels against its own; norms are written
out; padding is zeroed by `keep` before whatever looks at neighbours.

Weights that are to become int8 sit in modules of a name that says so (`Int8Linear`), for names are
what the quantizer chooses by.  Their rows are divided by their largest value, and the results
multiplied again: one scale for the whole matrix, which is all that older runtimes compute rightly
in a FULLY_CONNECTED, then errs as little as one scale a row.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from voicelet_export.models.blocks import ConvNeXtBlock, SelfAttention
from voicelet_export.models.fastspeech2 import PITCH_SCALE, AcousticDecoder, AcousticEncoder
from voicelet_export.models.int8_codes import MIN_WEIGHTS
from voicelet_export.models.vocos import Vocoder

Outputs = dict[str, Tensor]


class FloatLinear(nn.Module):
    """A matrix product that stays in float32.

    Args:
        weight: [out, in].
        bias: [out].
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight.detach().clone())
        self.register_buffer("bias", bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] → [..., out]."""
        return nn.functional.linear(x, self.weight, self.bias)


class Int8Linear(FloatLinear):
    """A matrix product that is to become int8: every row of its weights spans -1 to 1."""


class Linear(nn.Module):
    """A matrix product, in int8 where it is large enough, and what is multiplied after it.

    Args:
        weight: [out, in]; bias: [out].
        after: [out], a factor of the results.
    """

    def __init__(self, weight: Tensor, bias: Tensor, after: Tensor | None = None) -> None:
        super().__init__()
        self.scale: Tensor | None
        scale = None if after is None else after.detach().clone()
        if weight.numel() < MIN_WEIGHTS:
            self.product: nn.Module = FloatLinear(weight, bias)
        else:
            size = weight.detach().abs().amax(dim=1).clamp_min(1e-8)
            self.product = Int8Linear(weight / size[:, None], bias / size)
            scale = size if scale is None else size * scale
        self.register_buffer("scale", scale)

    def forward(self, x: Tensor) -> Tensor:
        """[1, T, in] → [1, T, out]; of two axes only, LiteRT would fold the scale back in."""
        y = self.product(x)
        return y if self.scale is None else y * self.scale

    def give_scale(self) -> Tensor | float:
        """Leave the factor of the results, [out], to the caller."""
        scale, self.scale = self.scale, None
        return 1.0 if scale is None else scale


def layer(module: Any) -> Linear:
    """The same for an `nn.Linear`."""
    return Linear(module.weight, module.bias)


class Norm(nn.Module):
    """Layer norm over the last axis, written out."""

    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__()
        self.eps = norm.eps
        for name in ("weight", "bias"):
            value = getattr(norm, name)
            self.register_buffer(name, None if value is None else value.detach().clone())

    def forward(
        self, x: Tensor, scale: Tensor | None = None, shift: Tensor | None = None
    ) -> Tensor:
        """Normalize [1, T, C]; scale and shift [1, 1, C] in place of the layer's own."""
        centred = x - x.mean(dim=-1, keepdim=True)
        y = centred * torch.rsqrt((centred * centred).mean(dim=-1, keepdim=True) + self.eps)
        scale = self.weight if scale is None else scale
        return y if scale is None else y * scale + (self.bias if shift is None else shift)


class FloatConv(nn.Module):
    """A convolution along T of [1, T, C], in float32."""

    def __init__(self, conv: nn.Conv1d) -> None:
        super().__init__()
        self.register_buffer("weight", conv.weight.detach().unsqueeze(2).clone())
        self.register_buffer("bias", conv.bias.detach().clone())
        self.groups, self.side = conv.groups, conv.kernel_size[0] // 2

    def forward(self, x: Tensor) -> Tensor:
        """[1, T, in] → [1, T, out]."""
        image = x.unsqueeze(1).permute(0, 3, 1, 2)
        y = nn.functional.conv2d(
            image, self.weight, self.bias, padding=(0, self.side), groups=self.groups
        )
        return y.permute(0, 2, 3, 1).squeeze(1)


class DenseConv(nn.Module):
    """A convolution of all channels, as a product of the neighbours laid side by side.

    LiteRT quantizes the inputs of an int8 CONV_2D by one scale for all places, so a frame would
    come out otherwise in another stretch; those of a FULLY_CONNECTED have a scale each.
    """

    def __init__(self, conv: nn.Conv1d) -> None:
        super().__init__()
        self.places = conv.kernel_size[0]
        weight = conv.weight.detach().permute(0, 2, 1).reshape(conv.out_channels, -1)
        self.product = Linear(weight, conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        """[1, T, in] → [1, T, out]."""
        length, side = x.shape[1], self.places // 2
        wide = nn.functional.pad(x, (0, 0, side, side))
        beside = [wide[:, i : i + length] for i in range(self.places)]
        return self.product(torch.cat(beside, dim=-1))


class Block(nn.Module):
    """`ConvNeXtBlock`; the norm's own scale and shift are folded into the product after it."""

    def __init__(self, block: ConvNeXtBlock) -> None:
        super().__init__()
        self.depthwise = FloatConv(block.depthwise)
        self.norm = Norm(block.norm.norm)
        weight, bias = block.expand.weight, block.expand.bias
        if self.norm.weight is not None:
            weight, bias = weight * self.norm.weight, bias + weight @ self.norm.bias
            self.norm.weight = self.norm.bias = None
        # relu(s · y) = s · relu(y): the scale of the first product's rows goes to the second's
        # columns, and the wide middle needs no pass of its own.
        self.expand = Linear(weight, bias)
        middle = self.expand.give_scale()
        self.contract = Linear(
            block.contract.weight * middle, block.contract.bias, block.layer_scale
        )

    def forward(self, x: Tensor, keep: Tensor, film: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Transform [1, T, C]; `film` holds scale and shift [1, 1, C]."""
        y = self.norm(self.depthwise(x * keep), *(film or ()))
        return x + self.contract(torch.relu(self.expand(y)))


class Attention(nn.Module):
    """`SelfAttention`; the scale of the scores is folded into the queries."""

    def __init__(self, attention: SelfAttention) -> None:
        super().__init__()
        self.heads, self.norm = attention.heads, Norm(attention.norm)
        weight, bias = attention.qkv.weight.detach().clone(), attention.qkv.bias.detach().clone()
        channels = attention.qkv.in_features
        width = channels // attention.heads
        weight[:channels] *= width**-0.5
        bias[:channels] *= width**-0.5
        self.qkv, self.out = Linear(weight, bias), layer(attention.out)

    def forward(self, x: Tensor, keep: Tensor) -> Tensor:
        """Attend over [1, N, C]; `keep` [1, N, 1]."""
        _, length, channels = x.shape
        parts = self.qkv(self.norm(x)).reshape(length, 3, self.heads, channels // self.heads)
        q, k, v = (parts[:, i].permute(1, 0, 2) for i in range(3))
        score = q @ k.transpose(1, 2) + (keep.transpose(1, 2) - 1.0) * 1e4
        y = (score.softmax(dim=-1) @ v).permute(1, 0, 2).reshape(1, length, channels)
        return x + self.out(y)


class EncoderAtLength(nn.Module):
    """`AcousticEncoder`."""

    def __init__(self, model: AcousticEncoder) -> None:
        super().__init__()
        self.channels, self.count = model.config.channels, len(model.blocks)
        self.register_buffer("centre", model.speaker_mean.clone())
        self.register_buffer("inverse", 1.0 / model.speaker_std)
        self.register_buffer("table", model.embed.weight.detach().clone())
        self.speaker_in, self.speaker_out = layer(model.speaker[0]), layer(model.speaker[2])
        self.film, self.condition = layer(model.film), layer(model.condition)
        self.blocks = nn.ModuleList(Block(b) for b in model.blocks)
        self.attention = Attention(model.attention)
        self.out_norm = Norm(model.out_norm.norm)
        self.variance_conv = DenseConv(model.variance_conv)
        self.variance_norm = Norm(model.variance_norm.norm)
        self.variance_head = layer(model.variance_head)

    def forward(self, phones: Tensor, speaker: Tensor, keep: Tensor) -> Outputs:
        """phones int32 [1, N], speaker [1, S], keep [1, N, 1] → the role's outputs."""
        hidden = self.speaker_in(((speaker - self.centre) * self.inverse).unsqueeze(1))
        embedded = self.speaker_out(hidden * torch.sigmoid(hidden))
        films = cut_films(self.film(embedded), self.count, self.channels)
        x = nn.functional.embedding(phones, self.table)
        for i, block in enumerate(self.blocks):
            if i == self.count // 2:
                x = self.attention(x, keep)
            x = block(x, keep, films[i])
        hidden = self.out_norm(x)
        v = self.variance_norm(torch.relu(self.variance_conv(hidden * keep)))
        variances = self.variance_head(v)
        return {
            "hidden": hidden,
            "log_duration": variances[:, :, 0],
            "pitch": variances[:, :, 1],
            "energy": variances[:, :, 2],
            "condition": self.condition(embedded).squeeze(1),
        }


class DecoderAtLength(nn.Module):
    """`AcousticDecoder`, with the probability of voicing."""

    def __init__(self, model: AcousticDecoder) -> None:
        super().__init__()
        self.channels = model.config.channels
        self.project = layer(model.project)
        self.pitch_blocks = nn.ModuleList(Block(b) for b in model.pitch_blocks)
        self.pitch_head, self.pitch_embed = layer(model.pitch_head), layer(model.pitch_embed)
        self.mel_blocks = nn.ModuleList(Block(b) for b in model.mel_blocks)
        self.out_norm, self.mel_head = Norm(model.out_norm.norm), layer(model.mel_head)

    def forward(
        self, frames: Tensor, condition: Tensor, log_f0_mean: Tensor, keep: Tensor
    ) -> Outputs:
        """frames [1, T, C + 4], condition [1, K], log_f0_mean [1, 1], keep [1, T, 1]."""
        count = len(self.pitch_blocks) + len(self.mel_blocks) + 1
        given = condition.unsqueeze(1)
        films = cut_films(given, count, self.channels)
        x = self.project(frames)
        for block, film in zip(self.pitch_blocks, films):
            x = block(x, keep, film)
        head = self.pitch_head(x)
        # In units of the pitch feature, relative to the speaker's mean.
        relative = frames[:, :, self.channels : self.channels + 1] + head[:, :, :1]
        log_f0 = relative * PITCH_SCALE + log_f0_mean.unsqueeze(1)
        voicing = torch.sigmoid(head[:, :, 1:])
        told = torch.cat([relative * voicing, (log_f0 - 5.0) * voicing, voicing], dim=-1)
        x = x + self.pitch_embed(told)
        for block, film in zip(self.mel_blocks, films[len(self.pitch_blocks) :]):
            x = block(x, keep, film)
        mel = self.mel_head(self.out_norm(x, *films[-1]))
        return {
            "mel": mel + given[:, :, count * 2 * self.channels :],
            "log_f0": log_f0[:, :, 0],
            "voicing": voicing[:, :, 0],
        }


class VocoderAtLength(nn.Module):
    """`Vocoder`."""

    def __init__(self, model: Vocoder) -> None:
        super().__init__()
        self.entry, self.entry_norm = DenseConv(model.entry), Norm(model.entry_norm.norm)
        self.blocks = nn.ModuleList(Block(b) for b in model.blocks)
        self.out_norm = Norm(model.out_norm.norm)
        bins = model.config.n_bins
        weights, biases = model.head.weight.split(bins), model.head.bias.split(bins)
        self.heads = nn.ModuleList(Linear(w, b) for w, b in zip(weights, biases))
        self.names = tuple(n for n in model.config.outputs if n != "target")
        self.corrects = model.config.corrects
        self.register_buffer("mel_std", model.mel_std.clone())
        self.register_buffer("mel_mean", model.mel_mean.clone())
        # mel · std + mean, then to bins: one product.
        self.envelope = FloatLinear(
            (model.envelope * model.mel_std[:, None]).T, model.mel_mean @ model.envelope
        )

    def forward(
        self, mel: Tensor, log_f0: Tensor, keep: Tensor, voicing: Tensor | None = None
    ) -> Outputs:
        """mel [1, T, n_mels], log_f0 [1, T], keep [1, T, 1], voicing [1, T] if it pauses."""
        heard = keep if voicing is None else voicing.unsqueeze(2)
        pitch = (log_f0.unsqueeze(2) - 5.0) * 2.0 * heard
        x = self.entry_norm(self.entry(torch.cat([mel, pitch, heard], dim=-1) * keep))
        for block in self.blocks:
            x = block(x, keep)
        x = self.out_norm(x)
        base = self.envelope(mel)
        out = {name: head(x) for name, head in zip(self.names, self.heads)}
        for name in ("harmonic_log_magnitude", "noise_log_magnitude"):
            out[name] = base + out[name]
        if self.corrects:
            out["target"] = mel * self.mel_std + self.mel_mean
        return out


def cut_films(films: Tensor, count: int, channels: int) -> list[tuple[Tensor, Tensor]]:
    """Cut [1, 1, ≥ count · 2 · channels] into scales (one added) and shifts, [1, 1, channels]."""
    cuts = films[:, :, : count * 2 * channels].split(channels, dim=-1)
    return [(scale + 1.0, shift) for scale, shift in zip(cuts[::2], cuts[1::2])]
