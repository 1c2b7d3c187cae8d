"""`voicelet-export import hifigan`: the authors' generator checkpoints and their `config.json`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voicelet.config import from_mapping
from voicelet.errors import BundleError, ConfigError
from voicelet_export.convert.importing.checkpoint import (
    origin_of,
    read_checkpoint,
    read_json_object,
    tensors_of,
)
from voicelet_export.models.teachers.hifigan.voice import HifiganVoice, save_hifigan


@dataclass(frozen=True)
class HifiganImport:
    """What to import.

    Attributes:
        generator: checkpoint of the generator (`{"generator": …}` or bare).
        config: its JSON.
        out: model folder to write.
    """

    generator: Path
    config: Path
    out: Path


def import_hifigan(recipe: HifiganImport) -> HifiganVoice:
    """Import a generator and write its model folder.

    Raises:
        BundleError: the files aren't those of a HiFi-GAN, or don't belong together.
        OutputError: the folder can't be written.
    """
    config = read_json_object(recipe.config)
    state = tensors_of(
        read_checkpoint(recipe.generator), ("generator", "state_dict", "model"), recipe.generator
    )
    try:
        voice = from_mapping(
            HifiganVoice,
            {
                "model": decoder_sizes(config, config["num_mels"]) | {"last_bias": True},
                "features": {
                    "sample_rate_hz": config["sampling_rate"],
                    "n_fft": config["n_fft"],
                    "win_length": config["win_size"],
                    "hop_length": config["hop_size"],
                    "n_mels": config["num_mels"],
                    "f_min_hz": config["fmin"],
                    "f_max_hz": config["fmax"] or config["sampling_rate"] / 2,
                },
                "origin": origin_of(recipe.generator),
            },
            str(recipe.config),
        )
    except KeyError as error:
        raise BundleError(f"{recipe.config}: key {error} is missing; not HiFi-GAN's") from None
    except (ConfigError, TypeError) as error:
        raise BundleError(f"{recipe.config}: not HiFi-GAN's configuration ({error})") from None
    save_hifigan(recipe.out, voice, state)
    return voice


def decoder_sizes(config: dict[str, Any], n_inputs: Any) -> dict[str, Any]:
    """A generator's sizes from the keys that HiFi-GAN's and VITS's configurations share."""
    return {
        "n_mels": n_inputs,
        "initial_channels": config["upsample_initial_channel"],
        "upsample_rates": config["upsample_rates"],
        "upsample_kernels": config["upsample_kernel_sizes"],
        "resblock": str(config["resblock"]),
        "resblock_kernels": config["resblock_kernel_sizes"],
        "resblock_dilations": config["resblock_dilation_sizes"],
    }
