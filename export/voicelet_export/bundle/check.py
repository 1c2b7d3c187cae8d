"""Are a bundle's figures what it says?  Everything is measured again, by anybody, on any machine.

Absolute times differ from machine to machine, so speed is compared as a ratio to a peer that speaks
the same sentences in turn.  Where something can't be measured here (no peer, no metrics) the table
says so; that isn't a failure.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from voicelet.bundle import Bundle
from voicelet.config import did_you_mean
from voicelet.errors import ConfigError
from voicelet.synth import Voice
from voicelet_export.report.benches import (
    piper_installed,
    read_sentences,
    score_clones,
    score_folders,
)
from voicelet_export.report.figures import time_in_turn, unsteadiness, weights_and_work
from voicelet_export.report.folders import write_speech
from voicelet_export.report.systems import (
    BundleSystem,
    PiperSystem,
    Speech,
    System,
    TeacherSystem,
)

Status = Literal["pass", "fail", "not measured", "no claim"]

STREAM_TOLERANCE = 1e-3
"""What `Voice.stream` promises."""

TIMED = 6
"""So many sentences are said over and over for the clock."""


@dataclass(frozen=True)
class Tolerance:
    """How far a figure may be from what the manifest claims; being better is never a failure.

    Attributes:
        lower_is_better: for words wrong, sizes and times.
        absolute, relative: the larger of the two counts.
    """

    lower_is_better: bool
    absolute: float = 0.0
    relative: float = 0.0

    def allows(self, found: float, claimed: float) -> bool:
        """Whether `found` is at worst so much worse than `claimed`."""
        slack = max(self.absolute, self.relative * abs(claimed))
        worse = found - claimed if self.lower_is_better else claimed - found
        return worse <= slack + 1e-9

    def __str__(self) -> str:
        parts = [f"{self.absolute:g}"] if self.absolute else []
        parts += [f"{100 * self.relative:g} %"] if self.relative else []
        sign = (" + " if self.lower_is_better else " - ") if parts else ""
        return f"{'at most' if self.lower_is_better else 'at least'} it{sign}{' or '.join(parts)}"


TOLERANCES = {
    "size_mb": Tolerance(True, absolute=0.01),
    "parameters_m": Tolerance(True, relative=0.01),
    "madds_m_per_s": Tolerance(True, relative=0.01),
    "rtf_ratio_to_teacher": Tolerance(True, relative=0.5),
    "rtf_ratio_to_piper_medium": Tolerance(True, relative=0.5),
    "wer_percent_default_voice": Tolerance(True, absolute=1.0),
    "wer_percent_over_teacher": Tolerance(True, absolute=1.0),
    "p808_default_voice": Tolerance(False, absolute=0.1),
    "similarity_to_teacher": Tolerance(False, absolute=0.03),
    "wer_percent_clones": Tolerance(True, absolute=2.0),
    "p808_clones": Tolerance(False, absolute=0.1),
    "similarity_clones": Tolerance(False, absolute=0.03),
}
"""Figure of a manifest → how closely it must be met."""


@dataclass(frozen=True)
class VerifyConfig:
    """What to verify, beside what.

    Attributes:
        bundle: folder or `.voicelet`.
        against: another bundle, or a teacher (a Piper `.onnx`), to compare with.
        corpus: folder of the corpora, for clones of the held-out people.
        sentences: a file, a sentence a line; those of the benchmarks by default.
        count: of sentences.
        repeats: rounds of timing; 0 leaves speed out.
        require_signature: an unsigned bundle fails.
        trusted_keys: public keys of which one must have signed.
        judge: measure words, opinions and similarity.
        limits: figure → the worst that is let pass, whatever the manifest claims.
    """

    bundle: Path
    against: Path | None = None
    corpus: Path | None = None
    sentences: Path | None = None
    count: int = 20
    repeats: int = 3
    require_signature: bool = False
    trusted_keys: tuple[str, ...] = ()
    judge: bool = True
    limits: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.limits:
            if name not in TOLERANCES:
                raise ConfigError(
                    f"no limit can be set on {name!r}{did_you_mean(name, TOLERANCES)}"
                )


@dataclass(frozen=True)
class Check:
    """One figure.

    Attributes:
        name: of the figure.
        found: as measured here.
        claimed: by the manifest.
        tolerance: in words.
        status: "no claim" where the manifest doesn't speak of it.
    """

    name: str
    found: float | None
    claimed: float | None
    tolerance: str
    status: Status


@dataclass(frozen=True)
class VerifyReport:
    """Everything that was checked.

    Attributes:
        name, version, signed_by: of the bundle.
        checks: one a figure.
    """

    name: str
    version: str
    signed_by: str | None
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return all(c.status != "fail" for c in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        """What failed."""
        return tuple(c for c in self.checks if c.status == "fail")


def verify_bundle(
    config: VerifyConfig, on_progress: Callable[[float, float], None] | None = None
) -> VerifyReport:
    """Open a bundle (which checks its hashes and its signature) and measure it again.

    Raises:
        BundleError: it isn't what its manifest or its signature says, or can't be run.
        ConfigError: an option is wrong.
    """
    voice = Voice.load(
        config.bundle,
        require_signature=config.require_signature,
        trusted_keys=config.trusted_keys,
        trust_bundle=True,  # it is here to be looked at, by its makers or whoever is to trust it
    )
    texts = read_sentences(config.sentences, config.count)
    steady = unsteadiness(voice, texts[0])
    checks = [
        _bounded("repeat_difference", steady["repeat_difference"], 0.0),
        _bounded("stream_difference", steady["stream_difference"], STREAM_TOLERANCE),
        Check("peak", steady["peak"], None, "above 0.01", "pass" if _loud(steady) else "fail"),
    ]
    found = weights_and_work(voice.bundle)
    found |= _spoken_figures(config, voice, texts, on_progress)
    if config.corpus is not None:
        found |= _clone_figures(config)
    checks += compare(found, voice.bundle.manifest.measured)
    checks += [_limited(name, found.get(name), limit) for name, limit in config.limits.items()]
    return _report(voice.bundle, checks)


def compare(found: Mapping[str, float], claimed: Mapping[str, float]) -> list[Check]:
    """Hold figures against claims."""
    rows = []
    for name in [*found, *(n for n in claimed if n not in found)]:
        value, claim, tolerance = found.get(name), claimed.get(name), TOLERANCES.get(name)
        status: Status = "no claim" if claim is None else "not measured"
        if value is not None and claim is not None and tolerance is not None:
            status = "pass" if tolerance.allows(value, claim) else "fail"
        rows.append(Check(name, value, claim, str(tolerance or ""), status))
    return rows


def _spoken_figures(
    config: VerifyConfig,
    voice: Voice,
    texts: tuple[str, ...],
    on_progress: Callable[[float, float], None] | None,
) -> dict[str, float]:
    own: System = BundleSystem("bundle", voice)
    systems = [own]
    if config.against is not None:
        systems.append(open_peer("peer", config.against, voice))
        if config.repeats and config.against.suffix == ".onnx" and piper_installed():
            systems.append(PiperSystem("piper", config.against))
    try:
        _, spoken = time_in_turn(systems, texts, 0, on_progress)
        rtf: dict[str, float] = {}
        if config.repeats:
            rtf, _ = time_in_turn(systems, texts[:TIMED], config.repeats, on_progress)
    finally:
        for system in systems:
            system.close()
    out: dict[str, float] = {}
    if "bundle" in rtf:
        out["rtf"] = round(rtf["bundle"], 5)
    for peer, name in (("peer", "rtf_ratio_to_teacher"), ("piper", "rtf_ratio_to_piper_medium")):
        if peer in rtf:
            out[name] = round(rtf["bundle"] / rtf[peer], 4)
    if config.judge:
        out |= _quality(texts, {k: spoken[k] for k in ("bundle", "peer") if k in spoken})
    return out


def _quality(texts: tuple[str, ...], spoken: Mapping[str, list[Speech]]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        peer = None
        if "peer" in spoken:
            peer = write_speech(root / "peer", texts, spoken["peer"])
        folders = [f for f in (peer,) if f] + [
            write_speech(root / "bundle", texts, spoken["bundle"], peer)
        ]
        scores = score_folders(folders)
    if scores is None:
        return {}
    own = scores["bundle"]
    out = {
        "wer_percent_default_voice": round(100.0 * own["wer"], 2),
        "p808_default_voice": round(own["p808"], 3),
    }
    if peer is not None:
        out["wer_percent_over_teacher"] = round(100.0 * (own["wer"] - scores["peer"]["wer"]), 2)
        out["similarity_to_teacher"] = round(own["similarity"], 3)
    return out


def _clone_figures(config: VerifyConfig) -> dict[str, float]:
    assert config.corpus is not None
    with tempfile.TemporaryDirectory() as temporary:
        scores = score_clones(config.bundle, config.corpus, Path(temporary))
    if scores is None:
        return {}
    return {
        "wer_percent_clones": round(100.0 * scores["wer"], 2),
        "p808_clones": round(scores["p808"], 3),
        "similarity_clones": round(scores["similarity"], 3),
    }


def open_peer(name: str, path: Path, voice: Voice) -> System:
    """Another bundle, or a teacher that is told the phones of `voice`'s front end."""
    if (path.is_dir() and (path / "manifest.json").exists()) or path.suffix == ".voicelet":
        return BundleSystem(name, Voice.load(path, trust_bundle=True))
    return TeacherSystem(name, path, voice.front_end)


def _bounded(name: str, found: float, limit: float) -> Check:
    return Check(name, found, None, f"at most {limit:g}", "pass" if found <= limit else "fail")


def _limited(name: str, found: float | None, limit: float) -> Check:
    tolerance = Tolerance(TOLERANCES[name].lower_is_better)
    status: Status = "not measured"
    if found is not None:
        status = "pass" if tolerance.allows(found, limit) else "fail"
    return Check(f"{name} (limit)", found, limit, str(tolerance), status)


def _loud(steady: Mapping[str, float]) -> bool:
    return 0.01 < steady["peak"] <= 1.0


def _report(bundle: Bundle, checks: list[Check]) -> VerifyReport:
    manifest = bundle.manifest
    return VerifyReport(manifest.name, manifest.version, bundle.signed_by, tuple(checks))
