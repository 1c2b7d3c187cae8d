"""A page that holds everything it shows: tables, pictures, sounds."""

from __future__ import annotations

import base64
import html
import io
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile

from voicelet.audio.features import FloatArray
from voicelet_export.corpus.reader import resample

OPUS_RATE_HZ = 24000

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto }
td, th { border: 1px solid #bbb; padding: .3rem .6rem; text-align: right; vertical-align: top }
td:first-child, th:first-child { text-align: left } th { background: #eee }
audio { width: 14rem; height: 2rem } img { max-width: 100% } code { font-size: .85em }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #ddd }
 th { background: #2b2b2b } td, th { border-color: #444 } img { background: #fff } }
"""

Row = Sequence[str]


def table(head: Row, rows: Sequence[Row]) -> str:
    """An HTML table of text."""
    out = ["<tr>" + "".join(f"<th>{html.escape(c)}</th>" for c in head) + "</tr>"]
    out += ["<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in rows]
    return f"<table>{''.join(out)}</table>"


def markdown_table(head: Row, rows: Sequence[Row]) -> str:
    """The same in Markdown; the first column is text, the others are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    cells = ([c.replace("|", "\\|").replace("\n", " ") for c in line] for line in lines)
    return "".join("| " + " | ".join(line) + " |\n" for line in cells)


def picture(svg: str, caption: str) -> str:
    """An SVG picture, embedded."""
    data = base64.b64encode(svg.encode("utf-8")).decode("ascii")
    return f'<p><img alt="{html.escape(caption)}" src="data:image/svg+xml;base64,{data}"></p>'


def player(path: Path) -> str:
    """An audio file as Ogg/Opus that plays in the page."""
    data = base64.b64encode(opus(path)).decode("ascii")
    return f'<audio controls preload="none" src="data:audio/ogg;base64,{data}"></audio>'


def listening(texts: Sequence[str], sounds: Mapping[str, Mapping[int, Path]]) -> str:
    """A table with a sentence a row and a system a column.

    Args:
        texts: sentences.
        sounds: system → number of the sentence → file.
    """
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ["", *sounds])
    rows = []
    for number, text in enumerate(texts):
        cells = (player(s[number]) if number in s else "–" for s in sounds.values())
        rows.append(
            f"<tr><td>{html.escape(text)}</td>{''.join(f'<td>{c}</td>' for c in cells)}</tr>"
        )
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def page(title: str, parts: Sequence[str]) -> str:
    """The whole page."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style><body><h1>{html.escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )


def opus(path: Path) -> bytes:
    """Encode an audio file as mono Ogg/Opus at 24 kHz; equal files give equal bytes."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    wave: FloatArray = np.ascontiguousarray(samples.mean(axis=1))
    buffer = io.BytesIO()
    wave = np.clip(resample(wave, int(rate), OPUS_RATE_HZ), -1.0, 1.0)
    soundfile.write(buffer, wave, OPUS_RATE_HZ, format="OGG", subtype="OPUS")
    return with_serial(buffer.getvalue(), 1)


def with_serial(ogg: bytes, serial: int) -> bytes:
    """An Ogg file of one stream with a given serial number, which encoders draw at random.

    Each page (RFC 3533, section 6) gets the number and its new checksum.

    Raises:
        ValueError: it isn't an Ogg file.
    """
    out, start = bytearray(ogg), 0
    while start < len(out):
        if out[start : start + 4] != b"OggS" or start + 27 > len(out):
            raise ValueError("not an Ogg file")
        segments = out[start + 26]
        end = start + 27 + segments + sum(out[start + 27 : start + 27 + segments])
        struct.pack_into("<I", out, start + 14, serial)
        struct.pack_into("<I", out, start + 22, 0)
        struct.pack_into("<I", out, start + 22, _crc(bytes(out[start:end])))
        start = end
    return bytes(out)


def _crc_table() -> list[int]:
    out = []
    for index in range(256):
        value = index << 24
        for _ in range(8):
            value = (value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)
        out.append(value & 0xFFFFFFFF)
    return out


_CRC = _crc_table()


def _crc(data: bytes) -> int:
    value = 0
    for byte in data:
        value = ((value << 8) & 0xFFFFFFFF) ^ _CRC[(value >> 24) ^ byte]
    return value
