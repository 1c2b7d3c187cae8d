"""The report of a pipeline: one page in Markdown, one in HTML with sounds and a picture.

Both are made of the steps' records and notes alone, so equal records give equal pages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voicelet_export.errors import CorpusError
from voicelet_export.pipeline.cache import StepRecord
from voicelet_export.report import html
from voicelet_export.report.pareto import Point, pareto_svg

MISSING = "–"
_COLUMNS = (
    ("size_mb", "MB", ".2f"),
    ("parameters_m", "parameters, M", ".2f"),
    ("madds_m_per_s", "multiply-adds a second, M", ".0f"),
    ("rtf", "RTF", ".4f"),
    ("ratio_to_teacher", "RTF / teacher's", ".3f"),
    ("ratio_to_piper", "RTF / Piper's", ".3f"),
    ("wer_percent", "WER %", ".1f"),
    ("p808", "P.808", ".2f"),
    ("ovrl", "OVRL", ".2f"),
    ("similarity", "similarity", ".3f"),
)
_NOTE = (
    "RTF is seconds of work for a second of speech on one thread, medians of systems that spoke in "
    "turn; only the ratios carry over to other machines.  Piper is its own program, where it is "
    "installed; the teacher is its graph in ONNX Runtime.  Similarity is the cosine of d-vectors "
    "with the teacher's speech.  A dash: not measured."
)


@dataclass(frozen=True)
class Shown:
    """A finished step.

    Attributes:
        name: in the recipe.
        record: of the store.
        folder: holds `out` and `notes`.
    """

    name: str
    record: StepRecord
    folder: Path


def write_report(steps: Sequence[Shown], out: Path, title: str, clips: int = 4) -> None:
    """Write `report.md`, `report.html` and, where there is something to draw, `pareto.svg`.

    Args:
        steps: in the order in which they ran.
        out: folder.
        clips: sentences to listen to, at most.

    Raises:
        CorpusError: a measurement's files can't be read.
    """
    out.mkdir(parents=True, exist_ok=True)
    measured = [_read_measure(s) for s in steps if s.record.kind == "measure"]
    systems = {name: row for m in measured for name, row in m.systems.items()}
    made_by = {name: step for m in measured for name, step in m.steps.items()}
    markdown, parts = [f"# {title}\n"], []
    if systems:
        head, rows = _system_table(systems, made_by)
        markdown += ["## Systems\n", html.markdown_table(head, rows), _NOTE + "\n"]
        parts += ["<h2>Systems</h2>", html.table(head, rows), f"<p>{_NOTE}</p>"]
    svg = pareto_svg(_panels(systems))
    if svg is not None:
        (out / "pareto.svg").write_text(svg, encoding="utf-8")
        markdown += ["![quality against size and speed](pareto.svg)\n"]
        parts += [html.picture(svg, "quality against size and speed")]
    for measure in measured:
        if clips and measure.sounds:
            texts = measure.texts[:clips]
            kept = {n: {i: p for i, p in s.items() if i < clips} for n, s in measure.sounds.items()}
            parts += ["<h2>Listen</h2>", html.listening(texts, kept)]
    head, rows = _step_table(steps, systems, made_by)
    total = sum(s.record.seconds for s in steps)
    note = f"{total:.0f} s of work in all; a step that was cut off counts what it took before."
    markdown += ["## Steps\n", html.markdown_table(head, rows), note + "\n"]
    parts += ["<h2>Steps</h2>", html.table(head, rows), f"<p>{note}</p>"]
    for name, verdict in _verdicts(steps):
        markdown += [f"## {name}\n", html.markdown_table(*verdict)]
        parts += [f"<h2>{name}</h2>", html.table(*verdict)]
    (out / "report.md").write_text("\n".join(markdown), encoding="utf-8")
    (out / "report.html").write_text(html.page(title, parts), encoding="utf-8")


@dataclass(frozen=True)
class _Measure:
    """What a measuring step left: figures, who made which system, what was said."""

    systems: dict[str, dict[str, float]]
    steps: dict[str, str]
    texts: list[str]
    sounds: dict[str, dict[int, Path]]


def _read_measure(step: Shown) -> _Measure:
    out, notes = step.folder / "out", step.folder / "notes"
    try:
        figures, made_by, speed = (
            json.loads(p.read_text(encoding="utf-8"))
            for p in (out / "figures.json", out / "systems.json", notes / "speed.json")
        )
        systems = {name: dict(figures.get(name, {})) for name in [*figures, *speed["rtf"]]}
        for name, row in systems.items():
            for key, values in speed.items():
                if name in values:
                    row[key] = values[name]
        texts: list[str] = []
        sounds: dict[str, dict[int, Path]] = {}
        for listed in sorted((out / "audio").glob("*/texts.tsv")):
            lines = [line.split("\t") for line in listed.read_text("utf-8").splitlines()]
            texts = [line[1] for line in lines]
            sounds[listed.parent.name] = {i: listed.parent / r[0] for i, r in enumerate(lines)}
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise CorpusError(f"{out}: not a measurement ({error!r})") from None
    return _Measure(systems, made_by, texts, sounds)


def _system_table(
    systems: Mapping[str, Mapping[str, float]], made_by: Mapping[str, str]
) -> tuple[list[str], list[list[str]]]:
    used = [c for c in _COLUMNS if any(c[0] in row for row in systems.values())]
    rows = []
    for name, row in systems.items():
        step = made_by.get(name, "")
        label = f"{name} (step {step})" if step and step != name else name
        rows.append([label, *(_cell(row.get(key), form) for key, _, form in used)])
    return ["", *(title for _, title, _ in used)], rows


def _step_table(
    steps: Sequence[Shown],
    systems: Mapping[str, Mapping[str, float]],
    made_by: Mapping[str, str],
) -> tuple[list[str], list[list[str]]]:
    head = ["step", "kind", "seconds", "MB", *(c[1] for c in _COLUMNS[1:]), "figures", "output"]
    rows = []
    for step in steps:
        record = step.record
        of = next((n for n, s in made_by.items() if s == step.name and n in systems), None)
        row = dict(systems[of]) if of is not None else {}
        size = sum((step.folder / "out" / f).stat().st_size for f in record.files)
        if "parameters" in record.figures:
            row.setdefault("parameters_m", record.figures["parameters"] / 1e6)
        cells = [_cell(row.get(key), form) for key, _, form in _COLUMNS[1:]]
        told = ", ".join(f"{k} {_value(v)}" for k, v in sorted(record.figures.items()))
        if record.kind == "measure":
            told = "see the table of systems"
        seconds = f"{record.seconds:.1f}"
        rows.append(
            [step.name, record.kind, seconds, f"{size / 1e6:.2f}", *cells, told, record.output[:12]]
        )
    used = [i for i in range(len(head)) if any(row[i] not in (MISSING, "") for row in rows)]
    return [head[i] for i in used], [[row[i] for i in used] for row in rows]


def _verdicts(
    steps: Sequence[Shown],
) -> list[tuple[str, tuple[list[str], list[list[str]]]]]:
    out = []
    for step in steps:
        path = step.folder / "notes" / "verify.json"
        if step.record.kind != "verify" or not path.exists():
            continue
        rows = [
            [
                c["name"],
                _cell(c["found"], ".4g"),
                _cell(c["claimed"], ".4g"),
                c["tolerance"],
                c["status"],
            ]
            for c in json.loads(path.read_text(encoding="utf-8"))
        ]
        head = ["figure", "found", "claimed", "tolerance", ""]
        out.append((f"Verified: {step.name}", (head, rows)))
    return out


def _panels(systems: Mapping[str, Mapping[str, float]]) -> dict[tuple[str, str], list[Point]]:
    """P.808 and words understood against size and RTF, of whatever is measured."""
    out: dict[tuple[str, str], list[Point]] = {}
    for cost, cost_name in (("size_mb", "MB"), ("rtf", "real-time factor")):
        for quality, name, sign in (("p808", "P.808", 1.0), ("wer_percent", "−WER, %", -1.0)):
            out[cost_name, name] = [
                Point(n, row[cost], sign * row[quality])
                for n, row in systems.items()
                if cost in row and quality in row
            ]
    return out


def _cell(value: float | None, form: str) -> str:
    return MISSING if value is None else format(value, form)


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
