"""Explanations: the same phones and times as the speech itself, and where each word came from."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.synth.voices import SPEAKER, tiny_voice
from voicelet.bundle import Statistics
from voicelet.errors import ConfigError, TextError
from voicelet.synth import Voice
from voicelet.synth.explain import Explanation, explain
from voicelet.synth.picture import encode_png, png, svg
from voicelet.text.phone_source import lexicon_line
from voicelet.text.user_lexicon import UserLexicon

TEXT = "Dr. Smith read the 3 Zoltrix reports, well-known at NVDM, for [[həlˈO]] $5."
USERS = {"Smith": "smythe", "reports": "[[ɹˈipɔɹts]]"}


@pytest.fixture(scope="module")
def real() -> Voice:
    return Voice.load(user_lexicon=USERS)


@pytest.fixture(scope="module")
def found(real: Voice) -> Explanation:
    return explain(real, TEXT)


def test_every_word_says_where_its_phones_came_from(found: Explanation) -> None:
    told = {w.said.lower(): w.source for w in found.words}
    assert told["doctor"] == told["the"] == told["three"] == told["dollars"] == "lexicon"
    assert told["smythe"] == told["reports"] == "user lexicon"
    assert told["zoltrix"] == "letter-to-sound"
    assert told["nvdm"] == "letter names"
    assert told[""] == "inline phones"
    assert [w.said.lower() for w in found.guessed] == ["zoltrix", "nvdm"]
    dollars = next(w for w in found.words if w.said == "dollars")
    assert dollars.written == "$5"
    assert TEXT[slice(*dollars.span)] == "$5"


def test_senses_and_phrase_rules_are_told(real: Voice) -> None:
    words = explain(real, "I read it to him yesterday.").words
    read = next(w for w in words if w.said == "read")
    assert (read.source, read.sense, read.phones) == ("lexicon", "past", "ɹˈɛd")
    words = explain(real, "The apple is one of the best.").words
    assert [(w.alone, w.phones) for w in words if w.said.lower() == "the"] == [
        ("ðə", "ðɪ"),  # before a vowel
        ("ðə", "ðə"),
    ]


def test_phones_and_their_times_are_those_of_the_speech(real: Voice, found: Explanation) -> None:
    (clauses,) = [list(real.front_end.clauses(TEXT))]
    assert "".join(p.symbol for p in found.phones) == "".join(c.phones for c in clauses)
    text = "Hello there, old friend."  # one clause: no pause comes between
    heard, shown = real.synthesize(text), explain(real, text)
    starts = [w.start_s for w in heard.words]
    own = [[p for p in shown.phones if p.word == n] for n in range(len(shown.words))]
    clauses = list(real.front_end.clauses(text))
    if len(clauses) == 1:
        assert [p[0].start_s for p in own] == pytest.approx(starts, abs=0.0126)
    assert "".join(p.symbol for p in own[0]) == shown.words[0].phones == "həlˈO"


def test_pitch_and_loudness_follow_what_is_asked(real: Voice) -> None:
    base = explain(real, "Hello there.")
    high = explain(real, "Hello there.", pitch_semitones=4.0)
    slow = explain(real, "Hello there.", speed=0.5)
    vowel = next(i for i, p in enumerate(base.phones) if p.symbol == "O")
    ratio = (high.phones[vowel].f0_hz or 0.0) / (base.phones[vowel].f0_hz or 1.0)
    assert 1.15 < ratio < 1.4
    assert slow.phones[-1].end_s > 1.6 * base.phones[-1].end_s
    levels = {p.symbol: p.energy_db for p in base.phones}
    assert levels["O"] > levels["h"] and max(levels.values()) <= 0.0
    assert base.phones[0].f0_hz is None or base.phones[0].symbol != "h"


def test_a_line_that_is_pasted_is_spoken(found: Explanation) -> None:
    lines = dict(lexicon_line(w, found.words).split("\t") for w in found.words)
    assert lines["Zoltrix"].startswith("[[z")
    five = [w.alone for w in found.words if w.written == "$5"]
    assert len(five) == 2 and lines["$5"] == f"[[{' '.join(five)}]]"
    lexicon = UserLexicon(lines)
    match = lexicon.match("Zoltrix", 0)
    assert match is not None and match[1].phones == lines["Zoltrix"].strip("[]")
    edited = explain(Voice.load(user_lexicon={"Zoltrix": "[[zˈultɹɪks]]"}), "Zoltrix")
    assert (edited.words[0].phones, edited.words[0].source) == ("zˈultɹɪks", "user lexicon")


def test_nothing_to_say_explains_nothing(real: Voice) -> None:
    empty = explain(real, "   ")
    assert empty.words == () and len(empty.f0_hz) == len(empty.mel_db)
    assert png(empty).startswith(b"\x89PNG")
    ElementTree.fromstring(svg(empty))
    with pytest.raises(TextError):
        explain(real, b"bytes")  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        explain(real, "Hi.", speed=99.0)


def test_pictures_show_the_spectrogram(found: Explanation) -> None:
    pixels = decode_png(png(found))
    assert pixels.shape == (3 * found.mel_db.shape[1], 6 * len(found.f0_hz), 3)
    # Bright where it is loud: the order of mel values survives.
    grey = pixels[::-3, 3::6].astype(float).sum(-1).T[: len(found.mel_db)]
    loud, quiet = found.mel_db > -10.0, found.mel_db < -60.0
    assert grey[loud].min() > grey[quiet].max()
    root = ElementTree.fromstring(svg(found))
    texts = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "Zoltrix" in texts and "0 s" in texts and "ɹ" in texts


def test_png_holds_its_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    np.testing.assert_array_equal(decode_png(encode_png(pixels)), pixels)


def decode_png(data: bytes) -> np.ndarray:
    """A reader for what `encode_png` writes, by the standard."""
    at, body, size = 8, b"", (0, 0)
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        content = data[at + 8 : at + 8 + length]
        (check,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert check == zlib.crc32(kind + content)
        if kind == b"IHDR":
            size = struct.unpack(">II", content[:8])
        body += content if kind == b"IDAT" else b""
        at += 12 + length
    width, height = size
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(height, 1 + 3 * width)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 3)


def test_a_bundle_tells_by_how_much_its_labels_are_late(tmp_path: Path) -> None:
    starts = []
    for late in (4.5, 0.0):
        statistics = Statistics((-5.0,) * 80, (2.0,) * 80, 0.25, SPEAKER, late)
        folder = tiny_voice(tmp_path / str(late), statistics=statistics)
        voice = Voice.load(folder)
        words = [w.start_s for w in voice.synthesize("hello world").words]
        shown = [p.start_s for p in explain(voice, "hello world").phones if p.word == 1]
        assert shown[0] == pytest.approx(words[1], abs=0.51 / 80)
        starts.append(words[1])
    assert starts[1] - starts[0] == pytest.approx(4.5 / 80)
