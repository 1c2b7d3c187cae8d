"""One HTML file to listen on: everything in it, nothing fetched."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.common import opus
from voicelet_export.metrics.base import read_audio

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 } td, th { border: 1px solid #ccc; padding: .35rem
.6rem; vertical-align: top } td.n { text-align: right } th { background: #f4f4f4; text-align: left }
audio { width: 13rem; height: 2rem; display: block } small { color: #666 } img { max-width: 100% }
body.blind small, body.blind .who { visibility: hidden }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd }
 th { background: #2a2a2a } td, th { border-color: #444 } small { color: #999 } }
"""
_SCRIPT = """
document.addEventListener('play', e => document.querySelectorAll('audio').forEach(
  a => { if (a !== e.target) a.pause() }), true);
document.getElementById('blind').addEventListener('change', e => {
  document.body.classList.toggle('blind', e.target.checked);
  document.querySelectorAll('table.listen tr').forEach(row => {
    const cells = [...row.querySelectorAll('td.sound')];
    const order = e.target.checked ? cells.map(c => [Math.random(), c]).sort((a, b) => a[0] - b[0])
      .map(p => p[1]) : cells.sort((a, b) => a.dataset.i - b.dataset.i);
    order.forEach(c => row.appendChild(c)) }) });
"""


@dataclass(frozen=True)
class Sound:
    """A thing to play, with a small note below it."""

    path: Path
    note: str = ""


@dataclass
class Listening:
    """A table to listen on.

    Attributes:
        title: heading.
        columns: names of the systems.
        rows: a label (the sentence or the person) and one sound, or None, a column.
    """

    title: str
    columns: Sequence[str]
    rows: list[tuple[str, list[Sound | None]]] = field(default_factory=list)


def _player(sound: Sound) -> str:
    data = base64.b64encode(opus(*read_audio(sound.path))).decode("ascii")
    return (
        f'<audio controls preload="none" src="data:audio/ogg;base64,{data}"></audio>'
        f"<small>{html.escape(sound.note)}</small>"
    )


def _listening(table: Listening) -> str:
    head = "".join(f'<th><span class="who">{html.escape(c)}</span></th>' for c in table.columns)
    body = []
    for label, sounds in table.rows:
        cells = "".join(
            f'<td class="sound" data-i="{i}">{_player(s) if s else "–"}</td>'
            for i, s in enumerate(sounds)
        )
        body.append(f"<tr><td>{html.escape(label)}</td>{cells}</tr>")
    return (
        f'<h2>{html.escape(table.title)}</h2><table class="listen"><tr><th></th>{head}</tr>'
        f"{''.join(body)}</table>"
    )


def markdown_as_html(table: str) -> str:
    """A Markdown table (as `report.tables` writes it) as an HTML table."""
    lines = [line.strip("| \n").split(" | ") for line in table.strip().splitlines()]
    head = [""] + lines[0] if len(lines[0]) < len(lines[2]) else lines[0]
    rows = ["<tr>" + "".join(f"<th>{html.escape(c)}</th>" for c in head) + "</tr>"]
    for line in lines[2:]:
        cells = (f'<td class="n">{html.escape(c)}</td>' for c in line[1:])
        rows.append(f"<tr><td>{html.escape(line[0])}</td>{''.join(cells)}</tr>")
    return f"<table>{''.join(rows)}</table>"


def write_page(
    path: Path,
    title: str,
    table: str,
    pictures: Mapping[str, Path],
    listening: Sequence[Listening],
    notes: Sequence[str] = (),
) -> None:
    """Write the page.

    Args:
        path: where.
        title: of the page.
        table: scores in Markdown.
        pictures: caption → PNG, embedded.
        listening: tables to listen on, their audio embedded as Ogg/Opus.
        notes: paragraphs below the table.
    """
    parts = [f"<h1>{html.escape(title)}</h1>", markdown_as_html(table)]
    parts += [f"<p>{html.escape(note)}</p>" for note in notes]
    parts.append('<p><label><input type="checkbox" id="blind"> blind: shuffle, hide names</label>')
    parts += [_listening(t) for t in listening]
    for caption, picture in pictures.items():
        data = base64.b64encode(picture.read_bytes()).decode("ascii")
        parts.append(f"<h2>{html.escape(caption)}</h2>")
        parts.append(f'<img alt="{html.escape(caption)}" src="data:image/png;base64,{data}">')
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style><body>{''.join(parts)}<script>{_SCRIPT}</script></body></html>\n"
    )
    path.write_text(page, "utf-8")
