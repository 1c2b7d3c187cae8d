"""A tiny VITS as the ONNX and JSON that Piper would export: a real file to import."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from voicelet_export.models.teachers.hifigan.generator import HifiganConfig
from voicelet_export.models.teachers.vits.config import VitsConfig
from voicelet_export.models.teachers.vits.model import Vits

IPA = "_^$ !'(),-.:;?abdefhijklmnopstuvwzæçðŋɐɑɔəɚɛɜɡɪɫɹɾʃʊʌʒʔˈˌːθᵻ\""


def tiny_config(**changes: Any) -> VitsConfig:
    speaker = changes.pop("speaker_channels", 0)
    decoder = HifiganConfig(
        n_mels=8,
        initial_channels=16,
        upsample_rates=(16, 16),
        upsample_kernels=(32, 32),
        resblock=changes.pop("resblock", "2"),
        resblock_kernels=(3, 5),
        resblock_dilations=((1, 2), (2, 6)),
        speaker_channels=speaker,
        last_bias=False,
    )
    values: dict[str, Any] = {
        "n_symbols": len(IPA),
        "channels": 16,
        "latent": 8,
        "filter": 24,
        "layers": 2,
        "couplings": 2,
        "coupling_layers": 2,
        "duration_flows": 3,
        "duration_filter": 12,
        "spectrum_bins": 17,
        "posterior_layers": 2,
        "speaker_channels": speaker,
        "decoder": decoder,
    }
    return VitsConfig(**{**values, **changes})


def randomize(model: Vits, seed: int = 0, spread: float = 1.0) -> None:
    """Give weights that start at zero or one values of their own, so that mix-ups are heard."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in sorted(model.named_parameters()):
        noise = torch.randn(value.shape, generator=generator)
        with torch.no_grad():
            if name.endswith(("gamma", "beta", "bias", ".m", ".logs")):
                value.add_(0.1 * spread * noise)
            elif ".post." in name or (name.startswith("dp.") and ".proj." in name):
                value.add_(0.2 * noise)
            elif name.startswith("dec."):
                fan = value[0].numel()
                value.copy_(noise * (2.0 / fan) ** 0.5)


class PiperLayout(Vits):
    """VITS with the inputs and the output of a Piper graph."""

    def forward(
        self, input: Tensor, input_lengths: Tensor, scales: Tensor, sid: Tensor | None = None
    ) -> Tensor:
        speaker = None if sid is None else self.speaker(sid)
        made = self.infer(input, input_lengths, speaker, scales[0], scales[1], scales[2])
        return made.wave[:, None, None]


def export_tiny(
    path: Path,
    config: VitsConfig,
    seed: int = 0,
    folding: bool = True,
    prepare: Any = None,
    spread: float = 1.0,
) -> Vits:
    """Write `path` and `path.json`; returns the model that was exported."""
    torch.manual_seed(seed)
    model: PiperLayout = PiperLayout(config, trainable=False).eval()
    randomize(model, seed, spread)
    if prepare is not None:
        prepare(model)
    ids = torch.arange(20)[None] % config.n_symbols
    inputs: list[Tensor] = [ids, torch.tensor([20]), torch.tensor([0.667, 1.0, 0.8])]
    names = ["input", "input_lengths", "scales"]
    axes = {"input": {0: "batch", 1: "phonemes"}, "input_lengths": {0: "batch"}}
    if config.n_speakers:
        inputs.append(torch.tensor([0]))
        names.append("sid")
        axes["sid"] = {0: "batch"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, tuple(inputs), str(path), input_names=names, output_names=["output"],
            dynamic_axes={**axes, "output": {0: "batch", 3: "time"}}, opset_version=15,
            dynamo=False, do_constant_folding=folding,
        )  # fmt: skip
    speakers = {f"p{i}": i for i in range(config.n_speakers)} if config.n_speakers > 1 else {}
    about = {
        "audio": {"sample_rate": 16000},
        "inference": {"noise_scale": 0.6, "length_scale": 1.1, "noise_w": 0.7},
        "phoneme_id_map": {symbol: [i] for i, symbol in enumerate(IPA)},
        "num_speakers": max(1, config.n_speakers),
        "speaker_id_map": speakers,
    }
    Path(f"{path}.json").write_text(json.dumps(about), encoding="utf-8")
    return model
