"""What trainings of mel teachers share: utterances, speakers' vectors, and the model folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from torch import Tensor

from voicelet.audio.features import FloatArray
from voicelet_export.models.teachers.mel_voice import Kind, MelVoice, VoiceSpeaker, save_mel_voice
from voicelet_export.train.data import Item
from voicelet_export.train.loop import Trainer
from voicelet_export.train.task import ModelTask, Recipe, plain
from voicelet_export.train.teachers.speakers import SpeakerVectors, spoken_items
from voicelet_export.train.utterances import UtteranceBatch, UtteranceSampler


class MelRecipe(Recipe, Protocol):
    """A recipe with the sizes of a model that makes or takes normalized mels."""

    @property
    def model(self) -> Any: ...


class SpeechRecipe(MelRecipe, Protocol):
    """A recipe of a model that reads phones aloud in the voices of speakers."""

    @property
    def max_frames(self) -> int: ...
    @property
    def corpus_weights(self) -> dict[str, float]: ...
    @property
    def speaker_vectors(self) -> str: ...


R = TypeVar("R", bound=MelRecipe)
S = TypeVar("S", bound=SpeechRecipe)


class MelTask(ModelTask[R], Generic[R]):
    """Training of a model that is written as a :class:`MelVoice`.

    Attributes:
        mel_mean, mel_std: by which mels are normalized, [n_mels].
    """

    kind: Kind

    def __init__(
        self, config: R, train: Sequence[Item], mel_mean: FloatArray, mel_std: FloatArray
    ) -> None:
        super().__init__(config)
        self.features = train[0].cache.features
        self.mel_mean, self.mel_std = mel_mean, mel_std

    def speaker_table(self) -> dict[str, VoiceSpeaker]:
        """The speakers that the model knows, by name."""
        return {}

    def voice(self) -> MelVoice:
        """What the model folder says of the model being trained."""
        return MelVoice(
            kind=self.kind,
            model=asdict(self.config.model),
            features=self.features,
            mel_mean=tuple(self.mel_mean.tolist()),
            mel_std=tuple(self.mel_std.tolist()),
            speakers=self.speaker_table(),
        )


class SpeechTask(MelTask[S], Generic[S]):
    """Training of a model that makes mels of phones, told of a speaker by a vector.

    A subclass makes `self.model`, which has a layer `speaker`, and then calls :meth:`prepare`.
    """

    model: Any

    def prepare(
        self, train: Sequence[Item], valid: Sequence[Item]
    ) -> tuple[list[Item], list[Item]]:
        """Make the samplers and give the model its speakers' statistics.

        Returns:
            The utterances to train on and those held out: those whose phones are known.

        Raises:
            CorpusError: there are too few.
            ConfigError: the model's speaker vectors aren't in the cache or the recipe's file.
        """
        c, statistics = self.config, (self.mel_mean, self.mel_std)
        train, valid = spoken_items(train, "to train on", 2), spoken_items(valid, "held out")
        self.sampler = UtteranceSampler(train, *statistics, c.max_frames, c.corpus_weights)
        self.valid = UtteranceSampler(valid, *statistics, c.max_frames)
        size, path = c.model.speaker_size, c.speaker_vectors
        self.speakers = SpeakerVectors(self.sampler, size, path)
        self.valid_speakers = SpeakerVectors(self.valid, size, path)
        self.model.speaker.set_statistics(self.speakers.matrix())
        return train, valid

    def losses(
        self, model: Any, batch: UtteranceBatch, speaker: Tensor
    ) -> tuple[dict[str, Tensor], Any]:
        """Loss terms of a batch, and what validation reads beside them."""
        raise NotImplementedError

    def total(self, terms: dict[str, Tensor], step: int) -> Tensor:
        """The weighted sum of what :meth:`losses` returns."""
        raise NotImplementedError

    def train_step(self, step: int) -> dict[str, float]:
        """One update."""
        rng = self.rng(step)
        items = self.sampler.choose(rng)
        batch = self.sampler.collate(items, rng).to(self.device)
        terms, _ = self.losses(self.model, batch, self.speakers.of(items, batch))
        self.update(self.averaged, self.total(terms, step), 1.0)
        return plain(terms)

    def speaker_table(self) -> dict[str, VoiceSpeaker]:
        """The training speakers, each with its mean vector."""
        return self.speakers.table()


def save_trained(trainer: Trainer, path: Path) -> None:
    """Write the averaged weights as a model folder, for `MelTeacher`."""
    assert isinstance(trainer.task, MelTask)
    save_mel_voice(path, trainer.task.voice(), trainer.average.state_dict())
