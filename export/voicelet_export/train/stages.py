"""What can be trained: a name, a configuration and a task, imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from voicelet.config import did_you_mean
from voicelet.errors import ConfigError

if TYPE_CHECKING:
    from voicelet.audio.features import FloatArray
    from voicelet_export.train.data import Item
    from voicelet_export.train.loop import Task

_TEACHERS = "voicelet_export.train.teachers"


@dataclass(frozen=True)
class Stage:
    """One kind of training.

    Attributes:
        module: where its classes lie.
        config: name of its configuration, a frozen dataclass with a `loop`.
        task: name of its task, made from (config, training items, validation items) and, with
            `statistics`, (…, mel mean [n_mels], mel standard deviation [n_mels]).
        aligned: whether it needs phones and durations.
        statistics: whether it needs the mel statistics.
        summary: a line for `--help`.
        finish: dotted name of a function that takes (trainer, path) once training has ended, with
            `product`, the file or folder in the run's folder that it writes.
    """

    module: str
    config: str
    task: str
    aligned: bool
    statistics: bool
    summary: str
    finish: str = ""
    product: str = ""

    def config_class(self) -> Any:
        """The class that a recipe is read into.

        Raises:
            ConfigError: this installation lacks the stage.
        """
        return self._get(self.config)

    def make_task(
        self,
        config: Any,
        train: Sequence[Item],
        valid: Sequence[Item],
        statistics: tuple[FloatArray, FloatArray] | None,
    ) -> Task:
        """Make the task; `statistics` only where the stage needs them."""
        task: Task = self._get(self.task)(config, list(train), list(valid), *(statistics or ()))
        return task

    def finisher(self) -> Any:
        """The function called at the end, or `None`."""
        return _imported(self.finish) if self.finish else None

    def _get(self, name: str) -> Any:
        return _imported(f"{self.module}.{name}")


def _imported(name: str) -> Any:
    module, _, inner = name.rpartition(".")
    try:
        return getattr(import_module(module), inner)
    except (ModuleNotFoundError, AttributeError) as error:
        raise ConfigError(f"{name} can't be imported ({error})") from error


def _own(module: str, prefix: str, aligned: bool, statistics: bool, summary: str) -> Stage:
    path = f"voicelet_export.train.{module}"
    return Stage(path, f"{prefix}Training", f"{prefix}Task", aligned, statistics, summary)


def _teacher(
    name: str, prefix: str, aligned: bool, summary: str, finish: str = "mel_task"
) -> Stage:
    path = f"{_TEACHERS}.{name}"
    names = f"{prefix}Training", f"{prefix}Task"
    finish = f"{_TEACHERS}.{finish}.save_trained"
    return Stage(path, *names, aligned, True, summary, finish, "model")


STAGES: dict[str, Stage] = {
    "acoustic": _own("acoustic", "Acoustic", True, True, "the device's acoustic model"),
    "vocoder": _own("vocoder", "Vocoder", False, True, "the device's vocoder"),
    "encoder": _own("encoder", "Encoder", False, False, "the speaker encoder"),
    "aligner": Stage(
        "voicelet_export.train.aligner",
        "AlignerTraining",
        "AlignerTask",
        True,
        False,
        "the frame classifier of forced alignment",
        finish="voicelet_export.train.aligner.save_average",
        product="aligner.safetensors",
    ),
    "xvector": Stage(
        "voicelet_export.train.xvector",
        "XVectorTraining",
        "XVectorTask",
        False,
        False,
        "the benchmarks' second speaker encoder",
        finish="voicelet_export.train.xvector.save_average",
        product="xvector.npz",
    ),
    "fastspeech2": _teacher("fastspeech2", "FastSpeech2", True, "FastSpeech 2 as a teacher"),
    "hifigan": _teacher("hifigan", "Hifigan", False, "HiFi-GAN as a teacher", "hifigan"),
    "vits": _teacher("vits", "Vits", True, "VITS as a teacher", "vits"),
    "tacotron2": _teacher("tacotron2", "Tacotron2", True, "Tacotron 2 as a teacher"),
    "diffwave": _teacher("diffwave", "DiffWave", False, "DiffWave as a teacher"),
}
"""Every stage of `voicelet-export train`."""


def find_stage(name: str) -> Stage:
    """The stage of a name.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in STAGES:
        known = ", ".join(STAGES)
        hint = did_you_mean(name, STAGES)
        raise ConfigError(f"there is no stage {name!r}{hint}; there are {known}")
    return STAGES[name]
