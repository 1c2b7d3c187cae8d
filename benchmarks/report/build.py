"""From scores to files: JSON, Markdown, pictures and the page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.report import plots
from benchmarks.report.page import Listening, Sound, write_page
from benchmarks.report.tables import cell, markdown
from voicelet_export.metrics.base import read_audio
from voicelet_export.metrics.folder import Clip
from voicelet_export.metrics.scoring import FolderScore

RECORDINGS = "recordings"
MAX_ROWS = 16


def bounds(scores: Sequence[FolderScore]) -> dict[str, float]:
    """Floor, ceiling and equal error of the recordings of real people, where they were scored."""
    for score in scores:
        if score.name == RECORDINGS and "similarity_others" in score.summary:
            second = {k: v for k, v in score.summary.items() if k == "second_eer_threshold"}
            return {
                **second,
                "floor": score.summary["similarity_others"],
                "ceiling": score.summary["similarity"],
                "eer": score.summary["eer"],
                "eer_threshold": score.summary["eer_threshold"],
            }
    return {}


def accepted(score: FolderScore, limits: Mapping[str, float]) -> dict[str, float]:
    """The summary of a score, with the share of clips taken for the person they are to sound like.

    That is: whose cosine is above the threshold at which each encoder errs as often in either
    direction on recordings of real people.
    """
    out = dict(score.summary)
    for key, threshold, name in (
        ("similarity", "eer_threshold", "accepted"),
        ("second", "second_eer_threshold", "second_accepted"),
    ):
        cosines = [row[key] for row in score.clips if key in row]
        if cosines and threshold in limits:
            out[name] = sum(c >= limits[threshold] for c in cosines) / len(cosines)
    return out


def notes(limits: Mapping[str, float]) -> list[str]:
    """What the bounds mean, in words."""
    if not limits:
        return []
    return [
        f"Similarity lies between a floor of {limits['floor']:.3f} (recordings of two different "
        f"people) and a ceiling of {limits['ceiling']:.3f} (two recordings of one person); the "
        f"two are told apart with {100 * limits['eer']:.1f} % errors at "
        f"{limits['eer_threshold']:.3f}."
    ]


def _note(row: Mapping[str, object]) -> str:
    parts = [
        f"{title} {cell(float(str(row[key])), form)}"
        for key, title, form in (("wer", "WER %", "%"), ("p808", "P.808", ".2f"))
        if key in row
    ]
    if "similarity" in row:
        parts.append(f"similarity {float(str(row['similarity'])):.2f}")
    return " · ".join(parts)


def listening(
    scores: Sequence[FolderScore], clips: Mapping[str, Sequence[Clip]], rows: int = MAX_ROWS
) -> list[Listening]:
    """One table by sentence and, where clips have references, one by person."""
    names = [s.name for s in scores if s.name != RECORDINGS]
    by_text: dict[str, dict[str, Sound]] = {}
    by_person: dict[str, dict[str, Sound]] = {}
    references: dict[str, Path] = {}
    for score in scores:
        for clip, row in zip(clips[score.name], score.clips):
            sound = Sound(clip.path, _note(row))
            if score.name != RECORDINGS:
                by_text.setdefault(clip.text, {}).setdefault(score.name, sound)
            if clip.reference is not None:
                references[clip.reference.stem] = clip.reference
                by_person.setdefault(clip.reference.stem, {}).setdefault(score.name, sound)
    tables = []
    texts = Listening("By sentence", names)
    for text, sounds in list(by_text.items())[:rows]:
        texts.rows.append((text, [sounds.get(n) for n in names]))
    if texts.rows:
        tables.append(texts)
    cloners = [s.name for s in scores if s.own]
    people = Listening("By person", ["reference", *cloners])
    for person, sounds in list(by_person.items())[:rows]:
        players = [Sound(references[person], "enrolled"), *(sounds.get(n) for n in cloners)]
        people.rows.append((person, players))
    if people.rows:
        tables.append(people)
    return tables


def _pictures(
    scores: Sequence[FolderScore],
    clips: Mapping[str, Sequence[Clip]],
    limits: Mapping[str, float],
    out: Path,
) -> dict[str, Path]:
    rows = [(s.name, s.summary) for s in scores]
    pictures = {"Measures": plots.bars(rows, limits, out / "plots" / "measures.png")}
    groups = {s.name: s.own for s in scores if s.own}
    for score in scores:
        if score.name == RECORDINGS and score.others:
            groups = {"different people": score.others, **groups}
    if groups:
        pictures["Speaker similarity"] = plots.cosines(
            groups, limits.get("eer_threshold"), out / "plots" / "cosines.png"
        )
    spoken = [s.name for s in scores if s.name != RECORDINGS]
    if spoken:
        text = clips[spoken[0]][0].text
        same = [(n, c) for n in spoken for c in clips[n] if c.text == text]
        first = dict(reversed(same))
        sounds = [(n, *read_audio(first[n].path)) for n in spoken if n in first]
        pictures["Spectrograms"] = plots.spectrograms(
            text, sounds, out / "plots" / "spectrograms.png"
        )
    return pictures


def write_report(
    scores: Sequence[FolderScore],
    clips: Mapping[str, Sequence[Clip]],
    out: Path,
    rows: int = MAX_ROWS,
) -> str:
    """Write `quality.json`, `quality.md`, `plots/*.png` and `listen.html`; the table comes back.

    Args:
        rows: sentences and people to listen to.
    """
    limits = bounds(scores)
    table = markdown([(s.name, accepted(s, limits)) for s in scores])
    text = "\n".join([table, *notes(limits)]) + "\n"
    data = {
        "bounds": limits,
        "systems": [
            {"name": s.name, "summary": accepted(s, limits), "clips": list(s.clips)} for s in scores
        ],
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "quality.json").write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    (out / "quality.md").write_text(text, "utf-8")
    pictures = _pictures(scores, clips, limits, out)
    write_page(
        out / "listen.html",
        "voicelet: quality",
        table,
        pictures,
        listening(scores, clips, rows),
        notes(limits),
    )
    return text
