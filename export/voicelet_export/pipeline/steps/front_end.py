"""Steps that make what a voice has beside its acoustic model and vocoder."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from voicelet.config import from_mapping
from voicelet_export.pipeline.steps import Figures, StepContext, StepKind
from voicelet_export.pipeline.survey import Estimate, Survey


@dataclass(frozen=True)
class SpeakerEncoderStep:
    """The speaker encoder's graph and weights; see `voicelet_export.convert.speaker_encoder`.

    Attributes:
        weights: Resemblyzer's `pretrained.pt`, or safetensors of this project.
    """

    weights: Path


def _speaker_encoder(config: SpeakerEncoderStep, context: StepContext) -> Figures:
    from voicelet_export.convert.speaker_encoder import write_speaker_encoder

    return {"parameters": write_speaker_encoder(config.weights, context.out)}


@dataclass(frozen=True)
class G2PStep:
    """The lexicon and the letter-to-sound model; see `voicelet_export.bundle.g2p.G2PBuild`.

    Attributes:
        gold, silver: the misaki package's `us_gold.json` and `us_silver.json`.
        corpus: `metadata.jsonl` with the texts and phones of the teacher's corpus.
        training, refinement: fields of `voicelet_export.train.g2p.G2PTraining` that differ from
            those of the build.
    """

    gold: Path
    silver: Path
    corpus: Path
    training: dict[str, Any] = field(default_factory=dict)
    refinement: dict[str, Any] = field(default_factory=dict)


def _runs(config: G2PStep, where: str) -> dict[str, Any]:
    from voicelet_export.bundle.g2p import G2PBuild
    from voicelet_export.train.g2p import G2PTraining

    nowhere = Path()
    plain = G2PBuild(nowhere, nowhere, nowhere, nowhere, nowhere)
    first = from_mapping(G2PTraining, config.training, f"{where}: training")
    assert plain.refinement is not None
    changed = {**asdict(plain.refinement), **config.refinement}
    return {
        "training": first,
        "refinement": from_mapping(G2PTraining, changed, f"{where}: refinement"),
    }


def _g2p(config: G2PStep, context: StepContext) -> Figures:
    from voicelet_export.bundle.g2p import G2PBuild, build_g2p

    runs = _runs(config, f"step {context.name!r}")
    made = context.partial / "made"
    scores = build_g2p(
        G2PBuild(config.gold, config.silver, config.corpus, context.partial / "run", made, **runs)
    )
    for file in sorted(made.iterdir()):
        shutil.copyfile(file, context.out / file.name)
    return {name: round(float(scores["all"][name]), 4) for name in ("words", "phone_error")}


def _check_g2p(config: G2PStep, survey: Survey) -> None:
    _runs(config, f"step {survey.step!r}")


def _estimate_g2p(config: G2PStep, survey: Survey) -> Estimate:
    runs = _runs(config, f"step {survey.step!r}")
    return Estimate(0.0, 20.0, runs["training"].steps + runs["refinement"].steps)


KINDS = (
    StepKind("speaker-encoder", 1, SpeakerEncoderStep, _speaker_encoder),
    StepKind(
        "g2p", 1, G2PStep, _g2p, resumable=True, check=_check_g2p,
        estimate=_estimate_g2p,
    ),
)  # fmt: skip
