"""Steps that measure and tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from voicelet.errors import VoiceletError
from voicelet_export.pipeline.cache import write_json
from voicelet_export.pipeline.steps import Figures, StepContext, StepKind
from voicelet_export.report.benches import MeasureConfig


@dataclass(frozen=True)
class VerifyStep:
    """A bundle is opened and measured again; see `voicelet_export.bundle.check.VerifyConfig`.

    Attributes:
        strict: a figure that isn't met ends the pipeline.
        limits: figure → the worst that is let pass.
        corpus: folder of the corpora, to clone the benchmarks' held-out people as well.
    """

    bundle: Path
    against: Path | None = None
    sentences: Path | None = None
    count: int = 20
    repeats: int = 3
    judge: bool = True
    strict: bool = True
    limits: dict[str, float] = field(default_factory=dict)
    corpus: Path | None = None


def _senses(config: VerifyStep | MeasureConfig) -> dict[str, bool]:
    """Metrics and Piper: with them there is more to find, so the step is to be made again."""
    from voicelet_export.report.benches import metrics_python, piper_installed

    timed = config.repeats > 0 and not (isinstance(config, VerifyStep) and config.against is None)
    return {
        "judges": config.judge and metrics_python() is not None,
        "piper": timed and piper_installed(),
    }


def _verify(config: VerifyStep, context: StepContext) -> Figures:
    from voicelet_export.bundle.check import VerifyConfig, verify_bundle

    report = verify_bundle(
        VerifyConfig(
            bundle=config.bundle,
            against=config.against,
            sentences=config.sentences,
            count=config.count,
            repeats=config.repeats,
            judge=config.judge,
            limits=config.limits,
            corpus=config.corpus,
        ),
        context.progress,
    )
    failed = [c.name for c in report.failures]
    if failed and config.strict:
        raise VoiceletError(
            f"step {context.name!r}: not as the manifest says: {', '.join(failed)}; run "
            "voicelet-export verify on the bundle for the table"
        )
    # Speed is in the notes: two runs never find quite the same.
    steady = [c for c in report.checks if not c.name.startswith("rtf")]
    write_json(context.out / "verified.json", {c.name: c.status for c in steady})
    write_json(context.notes / "verify.json", [vars(c) for c in report.checks])
    return {"passed": sum(c.status == "pass" for c in steady), "failed": len(failed)}


def _measure(config: MeasureConfig, context: StepContext) -> Figures:
    from voicelet_export.report.measure import measure_systems

    measured = measure_systems(config, context.out, context.progress)
    write_json(context.out / "figures.json", measured.figures)
    write_json(context.out / "claims.json", measured.claims)
    steps = {name: context.label(path) for name, path in config.bundles.items()}
    write_json(context.out / "systems.json", {"teacher": "", "piper": "", **steps})
    write_json(context.notes / "speed.json", measured.speed)
    return {f"{name}_{k}": v for name, row in measured.figures.items() for k, v in row.items()}


@dataclass(frozen=True)
class ReportStep:
    """A page of everything above it in the recipe, in its notes: `report.md` and `report.html`.

    Attributes:
        title: of the page.
        clips: sentences to listen to.
    """

    title: str = ""
    clips: int = 4


def _report(config: ReportStep, context: StepContext) -> Figures:
    from voicelet_export.pipeline.report import Shown, write_report

    shown = [Shown(name, context.before[name], context.folders[name]) for name in context.before]
    write_report(shown, context.notes, config.title or "Pipeline", config.clips)
    # The pages tell of times; what later runs must find the same again is listed apart.
    write_json(context.out / "outputs.json", {s.name: s.record.output for s in shown})
    return {"steps": len(shown)}


KINDS = (
    StepKind("verify", 1, VerifyStep, _verify, senses=_senses),
    StepKind("measure", 1, MeasureConfig, _measure, senses=_senses),
    StepKind("report", 1, ReportStep, _report, sees_all=True),
)
