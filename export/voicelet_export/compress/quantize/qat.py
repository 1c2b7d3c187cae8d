"""Quantization-aware fine-tuning: a student trains with the roundings that int8 will do to it.

The layers that round are in :mod:`voicelet_export.models.fake_quant`.
"""

from __future__ import annotations

import copy
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace

import onnx
from torch import nn

from voicelet.errors import BundleError
from voicelet_export.compress.quantize.static_qdq import products
from voicelet_export.models.fake_quant import insert_fake_quant, quantized
from voicelet_export.models.int8_codes import Scale
from voicelet_export.train.loop import Trainer
from voicelet_export.train.run import TrainingRun, build_trainer

log = logging.getLogger(__name__)


def trained_scales(model: nn.Module, graph: onnx.ModelProto) -> dict[str, Scale]:
    """Scales that training found, for the exported graph: tensor → scale.

    Empty for a model without roundings.

    Args:
        model: whose submodules the graph's products are named after.
    """
    inputs = {n.name: n.input[0] for n in graph.graph.node}
    names = [p.name for p in products(graph)]
    out: dict[str, Scale] = {}
    for path, module in quantized(model):
        if module.scale is None:
            continue
        for name in names:
            if name == path or name.startswith(f"{path}."):
                known = out.get(inputs[name])
                if known is None or known.step < module.scale.step:
                    out[inputs[name]] = module.scale
    return out


def fine_tune(
    run: TrainingRun,
    until_step: int | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> Trainer:
    """Train a finished model on with roundings; resumes where it was cut off.

    Args:
        run: stage "acoustic" or "vocoder"; `start_from` is the model's folder, or a file of
            weights with its `statistics.json` beside it.  A recipe of a few hundred steps at a
            tenth of the learning rate is enough as a rule.
        until_step, on_step: as :meth:`Trainer.run`.

    Raises:
        BundleError: there is no such model, or the recipe is for another.
        ConfigError: the recipe is wrong.
    """
    start = run.start_from
    if start is None:
        raise BundleError("quantization-aware training starts from a model; give --start-from")
    if start.is_dir():
        weights = [start / n for n in ("checkpoint.pt", "weights.safetensors")]
        start = next((w for w in weights if w.is_file()), start)
    if not start.is_file() or not (start.parent / "statistics.json").is_file():
        raise BundleError(f"{run.start_from}: not the folder of a model")
    run.out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(start.parent / "statistics.json", run.out / "statistics.json")
    trainer = build_trainer(replace(run, start_from=None))
    if not (run.out / "checkpoint.pt").exists():
        try:
            trainer.load(start, weights_only=True)
        except RuntimeError as error:
            raise BundleError(
                f"{start}: not the model of {run.recipe} ({str(error).splitlines()[0]})"
            ) from None
    model = trainer.task.modules[trainer.task.averaged]
    names = insert_fake_quant(model)
    trainer.average = copy.deepcopy(model).eval().requires_grad_(False)
    log.info("%d products round as int8 will", len(names))
    trainer.run(until_step, on_step)
    return trainer
