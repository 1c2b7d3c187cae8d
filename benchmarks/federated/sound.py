"""How much of a gain is the sound of the recordings, and how much the accent.

A corpus of one accent is also a corpus of one kind of room, microphone and level.  Four looks take
them apart: a constant correction of each mel band, fitted on the devices' speech, does what a
filter can do and no more; the loss with every utterance's mean taken off each band doesn't see
filters at all; frames of pauses hold noise alone; and a model that learnt from clean recordings of
other people in the same way has learnt what any recording teaches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from benchmarks.federated.training import Trainer
from voicelet.audio.features import FloatArray
from voicelet.text.phones import PUNCTUATION, PhoneInventory
from voicelet_export.train.data import Item
from voicelet_federated.app.training import utterance_losses

BoolArray = npt.NDArray[np.bool_]
QUIET = PhoneInventory().encode(PUNCTUATION)  # the pad is among them


@dataclass(frozen=True)
class Spoken:
    """An utterance and what a model makes of it with the true durations, pitch and energy.

    Attributes:
        target, predicted: normalized log mel [T, bands], the bands that the recording holds.
        pause: frames of pauses [T].
        speaker: whose.
    """

    target: FloatArray
    predicted: FloatArray
    pause: BoolArray
    speaker: str


class _Listening(nn.Module):
    """A decoder that remembers the mel it gave."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self._decoder = decoder
        self.mel: Tensor | None = None

    def forward(self, *args: Any) -> Any:
        """As the decoder."""
        out = self._decoder(*args)
        self.mel = out[0]
        return out


def speak(trainer: Trainer, items: Sequence[Item], flat: npt.ArrayLike) -> list[Spoken]:
    """What an adapter's model predicts of utterances."""
    row = torch.from_numpy(np.array(flat, np.float32))[None]
    out = []
    for item in items:
        batch = trainer.sampler.collate([item], None)
        trainer.adapt(row)
        listening = _Listening(trainer.adapted.base.decoder)
        with torch.no_grad():
            utterance_losses(trainer.adapted, batch, listening)
        assert listening.mel is not None
        bands = batch.bands[0, 0].numpy() > 0.5
        phones = np.repeat(batch.phones[0].numpy(), batch.durations[0].numpy())
        out.append(
            Spoken(
                batch.mel[0].numpy()[:, bands],
                listening.mel[0].numpy()[:, bands],
                np.isin(phones, QUIET),
                item.entry.speaker,
            )
        )
    return out


def colour(spoken: Sequence[Spoken], pauses_apart: bool) -> tuple[FloatArray, FloatArray]:
    """Constant corrections of each band that bring predictions nearest to targets in L1.

    Returns:
        For speech and for pauses, float32 [bands] each; the same where they aren't kept apart.
    """
    error = np.concatenate([s.target - s.predicted for s in spoken])
    pause = np.concatenate([s.pause for s in spoken])
    if not pauses_apart or not pause.any() or pause.all():
        both = np.median(error, axis=0).astype(np.float32)
        return both, both
    speech, quiet = (np.median(error[m], axis=0).astype(np.float32) for m in (~pause, pause))
    return speech, quiet


def mel_losses(
    spoken: Sequence[Spoken], correction: tuple[FloatArray, FloatArray] | None = None
) -> dict[str, float]:
    """Mean absolute errors over utterances.

    Returns:
        "mel" of all frames, "speech" and "pause" of either kind, "shape" of speech frames with
        each utterance's mean taken off each band, of prediction and target alike.
    """
    rows: dict[str, list[float]] = {"mel": [], "speech": [], "pause": [], "shape": []}
    for s in spoken:
        predicted = s.predicted
        if correction is not None:
            predicted = predicted + np.where(s.pause[:, None], correction[1], correction[0])
        error = np.abs(s.target - predicted)
        rows["mel"].append(float(error.mean()))
        speech = ~s.pause
        if speech.any():
            rows["speech"].append(float(error[speech].mean()))
            a, b = s.target[speech], predicted[speech]
            rows["shape"].append(float(np.abs((a - a.mean(0)) - (b - b.mean(0))).mean()))
        if s.pause.any():
            rows["pause"].append(float(error[s.pause].mean()))
    return {k: float(np.mean(v)) for k, v in rows.items() if v}


def taken_apart(
    trainer: Trainer,
    fit: Sequence[Item],
    held_out: Mapping[str, Sequence[Item]],
    models: Mapping[str, npt.ArrayLike],
) -> dict[str, dict[str, dict[str, float]]]:
    """Losses of models on groups of held-out people, and of the start with constant corrections.

    Args:
        trainer: of any speech; its model counts.
        fit: devices' utterances that the corrections are fitted on.
        held_out: group → utterances of held-out people.
        models: name → adapter; "start" must be among them.

    Returns:
        model → group → measure (:func:`mel_losses`).  Besides the models there are "start+colour"
        (one correction) and "start+colour+floor" (pauses have another).
    """
    start = models["start"]
    heard = speak(trainer, fit, start)
    out: dict[str, dict[str, dict[str, float]]] = {}
    for group, items in held_out.items():
        before = speak(trainer, items, start)
        for name, apart in (("start+colour", False), ("start+colour+floor", True)):
            out.setdefault(name, {})[group] = mel_losses(before, colour(heard, apart))
        for name, flat in models.items():
            spoken = before if name == "start" else speak(trainer, items, flat)
            out.setdefault(name, {})[group] = mel_losses(spoken)
    return out
