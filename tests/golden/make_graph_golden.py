"""Write what each graph of the embedded voice gives: `python tests/golden/make_graph_golden.py`.

`graphs.npz` holds, for every role, `ROLE.in.NAME` and `ROLE.out.NAME`.  Other runtimes run the same
inputs through their engine and compare (android_bridge/ort; the tolerances are in test_golden.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.engine import Graph, open_form
from voicelet.speaker.ge2e_mel import ge2e_mel, ge2e_windows
from voicelet.synth import Voice
from voicelet.text.g2p import encode_letters

HERE = Path(__file__).resolve().parent
KEPT_FRAMES = slice(20, 28)
"""Of what the vocoder gives, which is large."""

Tensors = dict[str, npt.NDArray[Any]]


def open_graph(voice: Voice, role: str) -> Graph:
    """A graph as a voice opens it: the letters' to sounds with its weights widened."""
    spec = voice.bundle.graph(role)
    return open_form(
        voice.bundle.root,
        spec.alternatives[0],
        context_frames=spec.context_frames,
        widens_weights=role == "g2p",
    )


def feeds() -> dict[str, Tensors]:
    """Inputs of every role, from the vectors that are there already."""
    with np.load(HERE / "vectors.npz") as file:
        known = dict(file)
    voice = Voice.load()
    phones, speaker = known["phones"], known["speaker"]
    encoded = voice._open_graph("acoustic_encoder").run(
        {"phones": phones[None], "speaker": speaker[None]}
    )
    hidden = np.repeat(encoded["hidden"][0], 6, axis=0)
    extra = np.zeros((len(hidden), 4), np.float32)
    extra[:, 0] = np.repeat(encoded["pitch"][0], 6)
    extra[:, 1] = np.repeat(encoded["energy"][0], 6)
    extra[:, 2] = np.tile((np.arange(6) + 0.5) / 6, len(phones))
    extra[:, 3] = np.log(6.0)
    return {
        "acoustic_encoder": {"phones": phones[None], "speaker": speaker[None]},
        "acoustic_decoder": {
            "frames": np.concatenate([hidden, extra], axis=1)[None],
            "condition": encoded["condition"],
            "log_f0_mean": speaker[256].reshape(1, 1),
        },
        "vocoder": {
            "mel": known["decoder_mel"][None],
            "log_f0": known["decoder_log_f0"][None],
            "voicing": (known["decoder_voicing"] > 0.5).astype(np.float32)[None],
        },
        "g2p": {"letters": encode_letters("blorvish")[None]},
        "speaker_encoder": {
            "mel": ge2e_windows(ge2e_mel(known["recording_16k"].astype(np.float32) / 32767.0))[:2]
        },
    }


def main() -> None:
    """Write the file."""
    voice = Voice.load()
    out: Tensors = {}
    for role, feed in feeds().items():
        given = open_graph(voice, role).run(feed)
        out.update({f"{role}.in.{name}": value for name, value in feed.items()})
        for name, value in given.items():
            out[f"{role}.out.{name}"] = value[:, KEPT_FRAMES] if role == "vocoder" else value
    np.savez_compressed(HERE / "graphs.npz", **out)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
