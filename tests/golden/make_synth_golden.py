"""Write how Python speaks a few clauses: `python tests/golden/make_synth_golden.py`.

`synth.json` holds the clauses of each case as the text front end gives them, the options, and what
comes of them but the samples: lengths, times of words and marks.  `synth.npz` holds the samples as
int16, by the case's name.  Runtimes in other languages speak the same clauses with the same seeds.
"""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from voicelet.synth import Voice
from voicelet.synth.options import SpeechOptions, reading_of
from voicelet.text.words import PhoneClause
from voicelet.trust.watermark.mark import DATE_VARIABLE

HERE = Path(__file__).resolve().parent
SPOKEN = "1780000000"  # seconds since 1970: the watermark names the week

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("Hello world, how are you?", {"seed": 7}),
    "lively": (
        "<speak>Is it <emphasis>really</emphasis> <mark name='m'/>you (at last)?"
        "<break time='300ms'/> Yes!</speak>",
        {"seed": 2**62 + 5, "style": "lively", "preset": "am_michael"},
    ),
    "whisper": ("A secret.", {"style": "whisper", "energy": 3.0}),
    "fast": ("Two or three of them, and then the fourth one.", {"speed": 3.5, "seed": 3}),
    "capitals": ("Mr. Ng paid", {"capitals": "tone", "pitch_semitones": -3.0, "speed": 1.7}),
    "long": ("\U0001f600 " + "one two three four five six seven eight nine ten eleven " * 6, {}),
    "cut": ("", {}),
}
CUT = PhoneClause("wˈʌn tˈu θɹˈi fˈɔɹ " * 15 + "fˈIv", pause_after_ms=400)
"""Longer than what is spoken in one piece."""
UNSAMPLED = ("long", "cut")
"""Cases whose samples aren't kept, for they are many."""


def speak(voice: Voice, text: str, settings: dict[str, Any]) -> dict[str, Any]:
    """A case: its clauses and what comes of them."""
    settings = dict(settings)
    preset = settings.pop("preset", None)
    options = SpeechOptions(**settings)
    reading = reading_of(options)
    clauses = list(voice.front_end.clauses(text, ssml="auto", reading=reading)) if text else [CUT]
    with patch.dict(os.environ, {DATE_VARIABLE: SPOKEN}):
        audio = voice.synthesize_phones(clauses, preset=preset, options=options)
    return {
        "text": text,
        "options": settings,
        "preset": preset,
        "clauses": [dataclasses.asdict(clause) for clause in clauses],
        "samples": len(audio.samples),
        "words": [[w.text, *w.span, w.start_s, w.end_s] for w in audio.words],
        "marks": [[m.name, m.time_s] for m in audio.marks],
        "_samples": audio.samples,
    }


def main() -> None:
    """Write both files."""
    voice = Voice.load()
    cases = {name: speak(voice, *case) for name, case in CASES.items()}
    arrays = {
        name: np.round(case.pop("_samples") * 32767.0).astype("<i2") for name, case in cases.items()
    }
    kept = {name: samples for name, samples in arrays.items() if name not in UNSAMPLED}
    np.savez_compressed(HERE / "synth.npz", **kept)  # type: ignore[arg-type]
    text = json.dumps(cases, ensure_ascii=False, indent=1)
    (HERE / "synth.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
