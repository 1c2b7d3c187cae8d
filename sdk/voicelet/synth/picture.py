"""A spectrogram with its phones as a picture, written with numpy and zlib alone.

PNG holds the spectrogram with lines between phones; SVG adds the phones' names, the words, f0 and
seconds.
"""

from __future__ import annotations

import base64
import struct
import zlib
from html import escape

import numpy as np
import numpy.typing as npt

from voicelet.synth.explain import Explanation

Pixels = npt.NDArray[np.uint8]

_COLOURS = np.array(
    [[12, 8, 38], [66, 15, 105], [135, 33, 107], [201, 64, 75], [243, 120, 25], [250, 193, 39],
     [252, 254, 180]], float
)  # fmt: skip
"""Dark to light, equal steps of lightness; from violet to yellow, so that greys keep the order."""
_RANGE_DB = 70.0
_X, _Y = 6, 3  # pixels of a frame and of a mel band
_TOP, _BOTTOM, _LEFT = 58, 30, 8
_F0_LOW_HZ, _F0_HIGH_HZ = 50.0, 500.0
MAX_FRAMES = 4000
"""Longer texts are cut here (50 s); a picture of 24,000 pixels is of no use."""


def png(explanation: Explanation) -> bytes:
    """The spectrogram, low frequencies at the bottom, a light line where a phone begins."""
    picture = _spectrogram(explanation)
    rate = explanation.frames_per_s
    for phone in explanation.phones:
        x = round(phone.start_s * rate) * _X
        if 0 < x < picture.shape[1]:
            picture[:, x] = picture[:, x] // 2 + 110
    return encode_png(picture)


def svg(explanation: Explanation) -> str:
    """The same with phones, words, f0 (50 to 500 Hz, logarithmic) and a scale of seconds."""
    picture = _spectrogram(explanation)
    height, width = picture.shape[:2]
    scale = explanation.frames_per_s * _X  # pixels a second
    image = base64.b64encode(encode_png(picture)).decode("ascii")
    total_w, total_h = width + 2 * _LEFT, height + _TOP + _BOTTOM
    elements = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total_w}" height="{total_h}"'
        f' viewBox="0 0 {total_w} {total_h}" font-family="sans-serif" font-size="13">',
        f'<rect width="{total_w}" height="{total_h}" fill="#fff"/>',
        f'<g transform="translate({_LEFT},{_TOP})">',
        f'<image width="{width}" height="{height}" href="data:image/png;base64,{image}"/>',
    ]
    for phone in explanation.phones:
        x, middle = phone.start_s * scale, (phone.start_s + phone.end_s) / 2.0 * scale
        if middle > width:
            break
        elements.append(f'<path d="M{x:.1f} -22V{height}" stroke="#fff" stroke-opacity=".55"/>')
        if phone.symbol.strip():
            elements.append(_text(middle, -6, phone.symbol))
    for number, word in enumerate(explanation.words):
        own = [p for p in explanation.phones if p.word == number]
        if own and own[0].start_s * scale < width:
            middle = (own[0].start_s + own[-1].end_s) / 2.0 * scale
            colour = "#b3261e" if word.is_guessed else "#444"
            elements.append(_text(middle, -32, word.said or word.written, colour))
    elements.append(_f0(explanation.f0_hz[: width // _X], height))
    for second in range(int(width / scale) + 1):
        elements.append(_text(second * scale, height + 20, f"{second} s", "#444"))
    return "\n".join([*elements, "</g>", "</svg>", ""])


def encode_png(pixels: Pixels) -> bytes:
    """Write an 8-bit RGB picture (PNG, ISO/IEC 15948) of [height, width, 3]."""
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # filter 0 before each row
    rows[:, 1:] = pixels.reshape(height, -1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(rows.tobytes(), 9)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def _spectrogram(explanation: Explanation) -> Pixels:
    mel = explanation.mel_db[:MAX_FRAMES]
    if not len(mel):
        mel = np.full((1, explanation.mel_db.shape[1]), -_RANGE_DB, np.float32)
    place = np.clip(1.0 + mel.T[::-1] / _RANGE_DB, 0.0, 1.0) * (len(_COLOURS) - 1)
    low = np.minimum(place.astype(int), len(_COLOURS) - 2)
    part = (place - low)[..., None]
    colour = np.rint(_COLOURS[low] * (1.0 - part) + _COLOURS[low + 1] * part).astype(np.uint8)
    pixels: Pixels = colour.repeat(_Y, 0).repeat(_X, 1)
    return pixels


def _f0(f0_hz: npt.NDArray[np.float32], height: int) -> str:
    path, pen = "", "M"
    span = np.log(_F0_HIGH_HZ / _F0_LOW_HZ)
    for frame, hz in enumerate(f0_hz):
        if hz <= 0.0:
            pen = "M"
            continue
        share = float(np.clip(np.log(hz / _F0_LOW_HZ) / span, 0.0, 1.0))
        path += f"{pen}{(frame + 0.5) * _X:.0f} {height * (1.0 - share):.1f}"
        pen = "L"
    return f'<path d="{path}" fill="none" stroke="#4fd8ff" stroke-width="2"/>'


def _text(x: float, y: float, text: str, colour: str = "#000") -> str:
    return f'<text x="{x:.1f}" y="{y}" text-anchor="middle" fill="{colour}">{escape(text)}</text>'
