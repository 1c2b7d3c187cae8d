"""One HTML file to listen on, with what its columns mean: everything in it, nothing fetched."""

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
dt { font-weight: bold } dd { margin: 0 0 .4rem 1.5rem } summary { cursor: pointer }
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
LEGEND = """
<details open><summary>What the columns and the samples are</summary>
<p>Each row of the table is a system. <b>recordings</b>: real recordings of people whom no model was
trained on. <b>voicelet</b>: clones of these people, each from 10 to 40 s of speech.
<b>voicelet-default</b>: the voice that ships with voicelet. <b>piper-…</b>: Piper.
<b>teacher-…</b>: the large model that voicelet learnt from.</p>
<dl>
<dt>clips</dt><dd>how many were scored</dd>
<dt>WER %</dt><dd>words that a speech recognizer (Whisper tiny.en) gets wrong; less is better. Many
of the real people read English as a second language, so their own WER is high.</dd>
<dt>P.808, SIG, BAK, OVRL</dt><dd>listeners' opinions as predicted by DNSMOS, 1 to 5, more is
better: overall (P.808), of the speech, of the background, overall (P.835)</dd>
<dt>similarity, to others</dt><dd>cosine of speaker vectors with a recording of the person that the
clip should sound like, and with those of everybody else</dd>
<dt>SI-Acc %, of 10 %</dt><dd>clips that are nearer to their own person than to everybody else, or
than to nine others</dd>
<dt>accepted %</dt><dd>clips that speaker verification would take for the person, at its equal error
rate</dd>
<dt>x-vector, to others, of 10 %, accepted %</dt><dd>the same four by a second speaker encoder, with
which no model was trained</dd>
</dl>
<p><b>By sentence</b>: the same sentence by every system; the column voicelet is a clone of another
person in each row. <b>By person</b>: <i>reference</i> is what was enrolled, <i>recordings</i> is
another recording of the same person, with other words, and <i>voicelet</i> is the clone. Below each
player are the scores of that clip. <b>blind</b> shuffles each row and hides names and scores, so
that you can judge first.</p></details>
"""
"""HTML: what the columns of the table are, and what there is to listen to."""


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
    parts = [f"<h1>{html.escape(title)}</h1>", markdown_as_html(table), LEGEND]
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
