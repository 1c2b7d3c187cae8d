"""Bundles beside their teacher, measured in one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voicelet.bundle import open_bundle
from voicelet.config import did_you_mean
from voicelet.errors import ConfigError
from voicelet.synth import Voice
from voicelet_export.report.benches import (
    MeasureConfig,
    load_bench,
    piper_installed,
    read_sentences,
    score_folders,
)
from voicelet_export.report.figures import time_in_turn, weights_and_work
from voicelet_export.report.folders import write_speech
from voicelet_export.report.systems import (
    BundleSystem,
    PiperSystem,
    Speech,
    System,
    TeacherSystem,
)
from voicelet_export.report.teachers import piper_cost

TEACHER, PIPER = "teacher", "piper"
Figures = dict[str, dict[str, float]]


@dataclass(frozen=True)
class SystemFigures:
    """What was found.

    Attributes:
        figures: system → figure → value; equal in every run.
        claims: figures of one bundle under the names that manifests have them by.
        speed: `rtf` (system → median), `ratio_to_teacher`, `ratio_to_piper`; differs from run to
            run.
    """

    figures: Figures
    claims: dict[str, float]
    speed: dict[str, Any]


def measure_systems(
    wanted: MeasureConfig, out: Path, on_progress: Callable[[float, float], None] | None = None
) -> SystemFigures:
    """Let systems speak into `out/audio/<system>`, count, measure and time them.

    Raises:
        ConfigError: there is no bundle, or a name is taken.
        BundleError: a bundle or the teacher can't be opened.
    """
    if not wanted.bundles:
        raise ConfigError('nothing to measure; give bundles: {name: "@step"}')
    for name in (TEACHER, PIPER):
        if name in wanted.bundles:
            raise ConfigError(f"{name!r} can't be the name of a bundle; it is taken")
    claim = wanted.claim or next(iter(wanted.bundles))
    if claim not in wanted.bundles:
        raise ConfigError(f"claim: no bundle {claim!r}{did_you_mean(claim, wanted.bundles)}")
    texts = read_sentences(wanted.sentences, wanted.count)
    voices = {name: Voice.load(path, trust_bundle=True) for name, path in wanted.bundles.items()}
    figures: Figures = {name: weights_and_work(v.bundle) for name, v in voices.items()}
    systems: list[System] = [BundleSystem(name, voice) for name, voice in voices.items()]
    systems += _peers(wanted, voices[claim])
    if wanted.teacher is not None:
        figures[TEACHER] = _teacher_figures(wanted.teacher, voices[claim], texts[0])
    rtf: dict[str, float] = {}
    try:
        _, spoken = time_in_turn(systems, texts, 0, on_progress)
        if wanted.repeats:
            timed = texts[: wanted.timed]
            rtf, _ = time_in_turn(systems, timed, wanted.repeats, on_progress)
    finally:
        for system in systems:
            system.close()
    spoken = {n: s for n, s in spoken.items() if n != PIPER}  # its noise can't be seeded
    folders = write_all(out / "audio", texts, spoken)
    scores = score_folders(folders) if wanted.judge else None
    for name in spoken:
        figures.setdefault(name, {}).update(_quality((scores or {}).get(name, {})))
    claims = _claims(figures, claim)
    return SystemFigures(figures, claims, _speed(rtf))


def _peers(wanted: MeasureConfig, voice: Voice) -> list[System]:
    path = wanted.teacher
    if path is None:
        # Piper is what a voice is measured by, whoever taught it.
        installed = wanted.repeats > 0 and piper_installed()
        return [PiperSystem(PIPER, load_bench("peers.piper").model())] if installed else []
    if path.suffix == ".voicelet" or (path / "manifest.json").exists():
        return [BundleSystem(TEACHER, Voice.load(path, trust_bundle=True))]
    peers: list[System] = [TeacherSystem(TEACHER, path, voice.front_end)]
    if wanted.repeats and path.suffix == ".onnx" and piper_installed():
        peers.append(PiperSystem(PIPER, path))
    return peers


def _teacher_figures(path: Path, voice: Voice, text: str) -> dict[str, float]:
    if path.suffix == ".voicelet" or (path / "manifest.json").exists():
        return weights_and_work(open_bundle(path))
    out = {"size_mb": round(_bytes(path) / 1e6, 3)}
    if path.suffix == ".onnx":
        phones = " ".join(c.phones for c in voice.front_end.clauses(text, ssml=False))
        out |= piper_cost(path, phones)
    return out


def write_all(
    root: Path, texts: Sequence[str], spoken: Mapping[str, Sequence[Speech]]
) -> list[Path]:
    """A folder a system; the teacher's speech is the reference of the others' voices."""
    folders = []
    reference = None
    if TEACHER in spoken:
        reference = write_speech(root / TEACHER, texts, spoken[TEACHER])
        folders.append(reference)
    for name, speeches in spoken.items():
        if name != TEACHER:
            folders.append(write_speech(root / name, texts, speeches, reference))
    return folders


def _quality(scores: Mapping[str, float]) -> dict[str, float]:
    out = {}
    if "wer" in scores:
        out["wer_percent"] = round(100.0 * scores["wer"], 2)
    for key in ("p808", "ovrl", "similarity"):
        if key in scores:
            out[key] = round(scores[key], 3)
    return out


def _claims(figures: Figures, name: str) -> dict[str, float]:
    own, teacher = figures[name], figures.get(TEACHER, {})
    names = {
        "size_mb": "size_mb",
        "parameters_m": "parameters_m",
        "madds_m_per_s": "madds_m_per_s",
        "wer_percent": "wer_percent_default_voice",
        "p808": "p808_default_voice",
        "similarity": "similarity_to_teacher",
    }
    out = {claim: own[key] for key, claim in names.items() if key in own}
    if "wer_percent" in own and "wer_percent" in teacher:
        out["wer_percent_over_teacher"] = round(own["wer_percent"] - teacher["wer_percent"], 2)
    return out


def _speed(rtf: Mapping[str, float]) -> dict[str, Any]:
    out: dict[str, Any] = {"rtf": {n: round(v, 5) for n, v in rtf.items()}}
    for peer in (TEACHER, PIPER):
        if peer in rtf:
            others = {n: v for n, v in rtf.items() if n not in (TEACHER, PIPER)}
            out[f"ratio_to_{peer}"] = {n: round(v / rtf[peer], 4) for n, v in others.items()}
    return out


def _bytes(path: Path) -> int:
    if path.is_dir():
        return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    beside = path.with_name(path.name + ".json")
    return path.stat().st_size + (beside.stat().st_size if beside.exists() else 0)
