"""What trainings of mel teachers share: utterances, and what models are told of speakers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from voicelet.audio.features import FloatArray
from voicelet.errors import ConfigError
from voicelet.speaker.vector import D_VECTOR_SIZE
from voicelet_export.errors import CorpusError
from voicelet_export.models.teachers.mel_voice import VoiceSpeaker
from voicelet_export.train.data import Item
from voicelet_export.train.utterances import UtteranceBatch, UtteranceSampler


def spoken_items(items: Sequence[Item], what: str, least: int = 1) -> list[Item]:
    """Those items whose phones are known and no more than their frames.

    Raises:
        CorpusError: there are fewer than `least`.
    """
    known = [i for i in items if 0 < i.entry.n_phones <= i.entry.n_frames]
    if len(known) < least:
        raise CorpusError(
            f"{len(known)} utterances {what} have phones, and {least} are needed; build the cache "
            "with the phones of its texts"
        )
    return known


class SpeakerVectors:
    """The vectors that a model is conditioned on.

    Args:
        sampler: of the utterances.
        size: what the model takes: 0 for a single speaker, 256 for the d-vector alone, the length
            of the runtime's speaker vector (328) for that, anything else with `path`.
        path: an .npz of float vectors by speaker name, such as x-vectors made elsewhere; "" for
            the vectors of the cache.

    Raises:
        ConfigError: `size` is none of these, or the file doesn't fit.
    """

    def __init__(self, sampler: UtteranceSampler, size: int, path: str = "") -> None:
        self.sampler, self.size = sampler, size
        self._given: dict[str, FloatArray] | None = _read(Path(path), size) if path else None
        known = {0, D_VECTOR_SIZE, len(sampler.speaker_vector(sampler.items[0], None)[0])}
        if self._given is None and size not in known:
            raise ConfigError(
                f"speaker_size is {size}; the cache has vectors of {sorted(known)} numbers "
                "(0 for a single speaker), others need speaker_vectors"
            )

    def of(self, items: Sequence[Item], batch: UtteranceBatch) -> Tensor:
        """The vectors [B, size] of a batch collated from `items`."""
        if self._given is not None:
            rows = [self._named(i.entry.speaker) for i in items]
            return torch.from_numpy(np.stack(rows)).to(batch.mel)
        if self.size == batch.speaker.shape[1]:
            return batch.speaker
        return batch.d_vector if self.size else batch.d_vector[:, :0]

    def table(self) -> dict[str, VoiceSpeaker]:
        """Every speaker of the utterances with the mean vector, by name."""
        found: dict[str, VoiceSpeaker] = {}
        for name, items in sorted(self.sampler.by_speaker.items()):
            vector, log_f0_mean, d_vector = self.sampler.speaker_vector(items[0], None)
            if self._given is not None:
                vector = self._named(name)
            elif self.size != len(vector):
                vector = d_vector[: self.size]
            numbers = tuple(round(float(v), 6) for v in vector)
            found[name] = VoiceSpeaker(numbers, round(log_f0_mean, 6))
        return found

    def matrix(self) -> FloatArray:
        """The table's vectors, float32 [speakers, size]."""
        return np.array([s.vector for s in self.table().values()], np.float32)

    def _named(self, name: str) -> FloatArray:
        assert self._given is not None
        if name not in self._given:
            raise ConfigError(f"speaker_vectors lacks the speaker {name!r}; add its vector")
        return self._given[name]


def _read(path: Path, size: int) -> dict[str, FloatArray]:
    try:
        with np.load(path) as file:
            vectors = {name: np.asarray(file[name], np.float32) for name in file.files}
    except (OSError, ValueError) as error:
        raise ConfigError(f"speaker_vectors: {path} can't be read ({error})") from None
    for name, vector in vectors.items():
        if vector.shape != (size,) or not np.isfinite(vector).all():
            raise ConfigError(
                f"speaker_vectors: {name!r} in {path} must hold {size} finite numbers "
                f"(speaker_size), not {vector.shape}"
            )
    return vectors
