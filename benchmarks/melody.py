"""Whether questions rise, lists come down at last and exclamations have energy, measured on audio.

    python -m benchmarks.melody [--bundle PATH] [--out FILE.json]

f0 is Harvest's (Morise 2017), which no part of voicelet uses; frames more than 25 dB below the loud
ones are left out.  The end of a sentence is its last 75 ms of voice, against the sentence's median;
of sentences the median is given, for a soft end is at times heard an octave too low.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from voicelet import Voice
from voicelet.audio.features import FloatArray
from voicelet_export.metrics.base import need

PERIOD_MS = 12.5
END_FRAMES = 6

YES_NO = (
    "Did you leave the key at home",
    "Is it raining again",
    "Does she want another cup of tea",
    "Is the train late today",
    "Did they sell the old house",
    "Does he know the way",
    "Would you like to stay",
    "Are we out of milk",
    "Did Anna call this morning",
    "Is the shop still open",
)
TOLD = (
    "You left the key at home",
    "It is raining again",
    "She wants another cup of tea",
    "The train is late today",
    "They sold the old house",
    "He knows the way",
    "You would like to stay",
    "We are out of milk",
    "Anna called this morning",
    "The shop is still open",
)
WH = (
    "Where did you leave the key",
    "When will it rain again",
    "Why does she want tea",
    "How late is the train today",
    "Who sold the old house",
)
LISTS = (
    "She has a pen, a book, a lamp, and a ball.",
    "We need bread, butter, plums and a melon.",
    "They came by road, by rail, and by sea.",
)


def heard_semitones(samples: FloatArray, rate: int) -> tuple[FloatArray, FloatArray]:
    """Pitch of the frames that are voiced and loud enough, in semitones, and their times in s."""
    world = need("pyworld")
    f0, times = world.harvest(samples.astype(np.float64), rate, 60.0, 600.0, PERIOD_MS)
    size = int(rate * PERIOD_MS / 1000.0)
    padded = np.pad(samples, (0, max(0, size * len(f0) - len(samples))))[: size * len(f0)]
    level = 10.0 * np.log10(np.mean(padded.reshape(len(f0), size) ** 2, axis=1) + 1e-10)
    heard = (f0 > 0.0) & (level > np.percentile(level, 95) - 25.0)
    pitch, times = 12.0 * np.log2(f0[heard]), times[heard]
    # Breath at the end of a word is heard one octave or two below the voice.
    near = np.abs(pitch - np.median(pitch)) < 12.0
    return pitch[near].astype(np.float32), times[near].astype(np.float32)


def end_of(voice: Voice, text: str, preset: str) -> float:
    """How far the end lies above the sentence's median, in semitones."""
    pitch, _ = heard_semitones(voice.synthesize(text, preset=preset).samples, voice.sample_rate_hz)
    return float(pitch[-END_FRAMES:].mean() - np.median(pitch))


def item_ends(voice: Voice, text: str, preset: str) -> list[float]:
    """Ends of the words before a comma, before "and" and of the last, against the median."""
    audio = voice.synthesize(text, preset=preset)
    pitch, times = heard_semitones(audio.samples, audio.sample_rate_hz)
    words = audio.words
    last = [
        i
        for i, word in enumerate(words)
        if text[word.span[1]] in ",." or (i + 1 < len(words) and words[i + 1].text == "and")
    ]
    ends = []
    for i in last:
        inside = pitch[(times >= words[i].start_s) & (times < words[i].end_s + 0.02)]
        if len(inside):
            ends.append(float(inside[-END_FRAMES:].mean() - np.median(pitch)))
    return ends


def measure(voice: Voice, preset: str) -> dict[str, float]:
    """All figures of one preset: semitones, decibels and shares."""
    level = lambda x: 10.0 * np.log10(np.mean(np.square(x)))  # noqa: E731
    ends = {
        name: np.array([end_of(voice, text + mark, preset) for text in texts])
        for name, texts, mark in (
            ("yes_no", YES_NO, "?"),
            ("told_with_question_mark", TOLD, "?"),
            ("told", TOLD, "."),
            ("wh", WH, "?"),
        )
    }
    louder = [
        level(voice.synthesize(text + "!", preset=preset).samples)
        - level(voice.synthesize(text + ".", preset=preset).samples)
        for text in TOLD
    ]
    lists = [item_ends(voice, text, preset) for text in LISTS]
    return {
        **{f"{name}_end_semitones": float(np.median(values)) for name, values in ends.items()},
        "yes_no_rising_share": float(np.mean(ends["yes_no"] > 0.0)),
        "list_items_end_semitones": float(np.mean([e for item in lists for e in item[1:-1]])),
        "list_last_end_semitones": float(np.mean([item[-1] for item in lists])),
        "exclaimed_louder_db": float(np.mean(louder)),
    }


def main() -> None:
    """Measure every preset and print a table."""
    parser = argparse.ArgumentParser(description="The melody of questions and lists")
    parser.add_argument("--bundle", help="in place of the packaged voice")
    parser.add_argument("--out", type=Path, help="JSON")
    args = parser.parse_args()
    voice = Voice.load(args.bundle, trust_bundle=True)
    found = {preset: measure(voice, preset) for preset in voice.presets}
    names = list(next(iter(found.values())))
    sys.stdout.write("| preset | " + " | ".join(n.replace("_", " ") for n in names) + " |\n")
    sys.stdout.write("|---" * (len(names) + 1) + "|\n")
    for preset, values in found.items():
        sys.stdout.write(f"| {preset} | " + " | ".join(f"{values[n]:.1f}" for n in names) + " |\n")
    if args.out is not None:
        args.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
