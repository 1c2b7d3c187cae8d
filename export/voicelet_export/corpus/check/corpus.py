"""Check a corpus before training on it: recordings, texts, and whether they belong together."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voicelet.errors import AudioError
from voicelet.files import atomic_file
from voicelet_export.corpus.check.audio import RecordingFigures, check_measured, measure
from voicelet_export.corpus.check.config import DEFAULT_CHECK, CheckConfig, Finding
from voicelet_export.corpus.check.text import check_text
from voicelet_export.corpus.layouts import CorpusRecording, find_layout
from voicelet_export.corpus.pack import OnItem

Fit = Callable[[CorpusRecording], tuple[float | None, str]]
"""A recording → (mean log posterior of its phones or `None`, why it isn't to be trusted or "")."""

_LEAST_SPREAD = 0.12
"""Standard deviation of the log speaking rate below which a corpus isn't taken to be more even."""


@dataclass(frozen=True)
class CheckReport:
    """What was found.

    Attributes:
        layout: of the corpus.
        utterances: recordings looked at.
        measured: those that could be read.
        findings: errors first, then in the order of their ids.
    """

    layout: str
    utterances: int
    measured: tuple[RecordingFigures, ...]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(f.severity == "error" for f in self.findings)

    def counts(self) -> dict[tuple[str, str], int]:
        """(severity, check) → findings, the errors first."""
        counted = Counter((f.severity, f.check) for f in self.findings)
        return dict(sorted(counted.items()))

    def mapping(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        middle = {
            name: round(float(np.median([getattr(m, name) for m in self.measured])), 3)
            for name in ("seconds", "snr_db", "level_dbfs", "bandwidth_hz", "letters_per_second")
            if self.measured
        }
        return {
            "layout": self.layout,
            "utterances": self.utterances,
            "readable": len(self.measured),
            "speakers": len({m.speaker for m in self.measured}),
            "hours": round(sum(m.seconds for m in self.measured) / 3600.0, 4),
            "sample_rates_hz": dict(sorted(Counter(str(m.rate_hz) for m in self.measured).items())),
            "median": middle,
            "errors": self.errors,
            "warnings": len(self.findings) - self.errors,
            "findings": [asdict(f) for f in self.findings],
        }

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        with atomic_file(path) as file:
            text = json.dumps(self.mapping(), ensure_ascii=False, indent=1)
            file.write((text + "\n").encode("utf-8"))


def check_corpus(
    folder: Path,
    layout: str = "auto",
    config: CheckConfig = DEFAULT_CHECK,
    fit: Fit | None = None,
    on_item: OnItem | None = None,
) -> CheckReport:
    """Look at every recording and text of a corpus.

    Args:
        folder: of any layout.
        fit: scores how well a text fits its recording, see :func:`aligner_fit`.

    Raises:
        ConfigError, CorpusError: the folder can't be read as a corpus at all.
    """
    found = find_layout(folder, layout)
    sources = found.read(folder)
    findings: list[Finding] = []
    measured: list[RecordingFigures] = []
    for number, source in enumerate(sources, 1):
        findings += check_text(source.id, source.text)
        try:
            one = measure(source, config.max_seconds)
        except (AudioError, OSError) as error:
            findings.append(Finding(source.id, "unreadable", "error", str(error)))
        else:
            measured.append(one)
            findings += check_measured(one, config)
            if fit is not None and one.speech_s > 0.0 and source.text:
                findings += _fit_findings(source, fit, config)
        if on_item is not None:
            on_item(number, len(sources))
    findings += _same_audio(measured)
    findings += _same_text(measured)
    findings += _rates(measured)
    wrong = {f.id for f in findings if f.check == "text mismatch"}
    findings += _outliers([m for m in measured if m.id not in wrong], config)
    order = sorted(findings, key=lambda f: (f.severity != "error", f.id, f.check))
    return CheckReport(found.name, len(sources), tuple(measured), tuple(order))


def aligner_fit(aligner: Any) -> Fit:
    """A fit measured by forced alignment (a `RecordingAligner`)."""
    from voicelet_export.corpus.speech_times import align_source

    def fit(source: CorpusRecording) -> tuple[float | None, str]:
        aligned, _, problem = align_source(source, aligner)
        return (aligned.score.mean_log_posterior if aligned is not None else None), problem

    return fit


def _fit_findings(source: CorpusRecording, fit: Fit, config: CheckConfig) -> list[Finding]:
    mean, problem = fit(source)
    if mean is None:
        message = f"the text can't be laid along the recording: {problem}"
        return [Finding(source.id, "alignment", "error", message)]
    if mean < config.align_error:
        message = f"the text isn't what is said (mean log posterior {mean:.1f})"
        return [Finding(source.id, "alignment", "error", message, mean)]
    if problem:
        message = f"{problem} (mean log posterior {mean:.1f}); training leaves it out"
        return [Finding(source.id, "alignment", "warning", message, mean)]
    return []


def _groups(keys: Iterable[tuple[Any, str]]) -> list[list[str]]:
    """Ids that share a key, where more than one does."""
    found: dict[Any, list[str]] = defaultdict(list)
    for key, name in keys:
        found[key].append(name)
    return [names for names in found.values() if len(names) > 1]


def _same_audio(measured: Sequence[RecordingFigures]) -> list[Finding]:
    return [
        Finding(name, "duplicate audio", "error", f"the same as {names[0]}; leave one out")
        for names in _groups((m.digest, m.id) for m in measured)
        for name in names[1:]
    ]


def _same_text(measured: Sequence[RecordingFigures]) -> list[Finding]:
    """Many people reading one sentence is a corpus's design; one person reading it twice isn't."""
    keys = (
        ((m.speaker, "".join(c for c in m.text.lower() if c.isalnum())), m.id) for m in measured
    )
    return [
        Finding(name, "duplicate text", "warning", f"{names[0]} of the same speaker has this text")
        for names in _groups(k for k in keys if k[0][1])
        for name in names[1:]
    ]


def _rates(measured: Sequence[RecordingFigures]) -> list[Finding]:
    rates = Counter(m.rate_hz for m in measured)
    if len(rates) < 2:
        return []
    shown = ", ".join(f"{count} at {rate} Hz" for rate, count in sorted(rates.items()))
    message = f"different sample rates ({shown}); what a low rate lacks is left out of training"
    return [Finding("", "sample rate", "warning", message, float(len(rates)))]


def _outliers(measured: Sequence[RecordingFigures], config: CheckConfig) -> list[Finding]:
    """Texts much longer or shorter than the speech, by median and median absolute deviation."""
    spoken = [m for m in measured if m.letters_per_second > 0.0]
    if len(spoken) < 8:
        return []
    logs = np.log([m.letters_per_second for m in spoken])
    middle = float(np.median(logs))
    spread = max(_LEAST_SPREAD, 1.4826 * float(np.median(np.abs(logs - middle))))
    found = []
    for one, value in zip(spoken, logs.tolist()):
        if abs(value - middle) > config.rate_outlier * spread:
            message = (
                f"{one.letters_per_second:.1f} letters a second where the corpus has "
                f"{math.exp(middle):.1f}; compare its text with what is said"
            )
            found.append(
                Finding(one.id, "text mismatch", "warning", message, one.letters_per_second)
            )
    return found
