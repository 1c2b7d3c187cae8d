"""The speaker encoder and the letter-to-sound model, laid out for LiteRT."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from voicelet_export.convert.tflite.models import FloatLinear, Outputs
from voicelet_export.models.g2p import G2P
from voicelet_export.models.speaker_encoder import SpeakerEncoder


class StoredLinear(FloatLinear):
    """A matrix product whose weights are stored as int8 and widened when the graph is opened."""


class LSTMStep(nn.Module):
    """One frame through the LSTMs of `SpeakerEncoder`.

    LiteRT's converter would unroll all 160 frames into one graph, with packed weights for each; so
    the loop is left to the runtime.  The weights that meet the mels stay in float32: they meet
    powers without a logarithm, of many decades.
    """

    def __init__(self, model: SpeakerEncoder) -> None:
        super().__init__()
        lstm = model.lstm
        self.layers, self.hidden_size = lstm.num_layers, lstm.hidden_size
        take = lambda name, i: getattr(lstm, f"{name}_l{i}").detach()  # noqa: E731
        self.given = nn.ModuleList()
        self.past = nn.ModuleList()
        for i in range(lstm.num_layers):
            kind = StoredLinear if i else FloatLinear
            self.given.append(kind(take("weight_ih", i), take("bias_ih", i)))
            self.past.append(StoredLinear(take("weight_hh", i), take("bias_hh", i)))

    def forward(self, mel: Tensor, state: Tensor) -> Outputs:
        """mel [B, bands], state [2 · layers, B, H] (hidden states, then cells) → next_state."""
        x, hidden, cells = mel, [], []
        for i in range(self.layers):
            gates = self.given[i](x) + self.past[i](state[i])
            now, forget, new, out = gates.chunk(4, dim=-1)
            cell = torch.sigmoid(forget) * state[self.layers + i]
            cell = cell + torch.sigmoid(now) * torch.tanh(new)
            x = torch.sigmoid(out) * torch.tanh(cell)
            hidden.append(x)
            cells.append(cell)
        return {"next_state": torch.stack(hidden + cells)}


class LSTMEnd(nn.Module):
    """The last state of the LSTMs → d-vectors."""

    def __init__(self, model: SpeakerEncoder) -> None:
        super().__init__()
        self.top = model.lstm.num_layers - 1
        self.project = StoredLinear(model.linear.weight, model.linear.bias)

    def forward(self, state: Tensor) -> Outputs:
        """state [2 · layers, B, H] → embedding [B, E], L2 norm 1."""
        raw = torch.relu(self.project(state[self.top]))
        power = (raw * raw).sum(dim=1, keepdim=True)
        return {"embedding": raw * torch.rsqrt(power.clamp_min(1e-18))}


class StoredConv(nn.Module):
    """A convolution along L of [1, L, C]; weights stored as int8 and widened."""

    def __init__(self, conv: nn.Conv1d) -> None:
        super().__init__()
        self.register_buffer("weight", conv.weight.detach().unsqueeze(2).clone())
        self.register_buffer("bias", conv.bias.detach().clone())
        self.side = conv.kernel_size[0] // 2

    def forward(self, x: Tensor) -> Tensor:
        """[1, L, in] → [1, L, out]."""
        image = x.unsqueeze(1).permute(0, 3, 1, 2)
        y = nn.functional.conv2d(image, self.weight, self.bias, padding=(0, self.side))
        return y.permute(0, 2, 3, 1).squeeze(1)


class G2PAtLength(nn.Module):
    """`G2P` for one word."""

    def __init__(self, model: G2P) -> None:
        super().__init__()
        self.config = model.config
        self.register_buffer("table", model.embedding.weight.detach().clone())
        self.convolutions = nn.ModuleList(StoredConv(c) for c in model.convolutions)
        self.spread, self.mix = StoredConv(model.spread), StoredConv(model.mix)
        self.head = StoredLinear(model.head.weight, model.head.bias)

    def forward(self, letters: Tensor, keep: Tensor) -> Outputs:
        """letters int32 [1, L], keep [1, L, 1] → logits [1, F · L, units]."""
        x = nn.functional.embedding(letters, self.table)
        for convolution in self.convolutions:
            x = x + torch.relu(convolution(x * keep))
        # Masked after the frames are spread out, which moves no value between letters.
        x = torch.relu(self.spread(x)) * keep
        x = x.reshape(1, -1, self.config.channels)
        return {"logits": self.head(x + torch.relu(self.mix(x)))}
