"""`voicelet explain`: why a text sounds as it does, and how to mend a word."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicelet.cli.options import (
    add_reading_options,
    add_voice_options,
    check_file,
    speech_options,
    split_voice,
)
from voicelet.cli.table import print_json, print_table
from voicelet.cli.text_input import add_text_options, read_text
from voicelet.errors import ConfigError, OutputError

if TYPE_CHECKING:
    from voicelet.synth.explain import Explanation
    from voicelet.text.phone_source import PhoneSource

PICTURES = (".svg", ".png")


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "explain",
        help="show phones, where each came from, and how to mend a mispronunciation",
        description="Show how a text is read: words, their phones and where they came from; "
        "durations, pitch and loudness of every phone; a picture of the spectrogram.",
    )
    add_text_options(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="draw the spectrogram: .svg (with names) or .png"
    )
    parser.add_argument(
        "--phones", action="store_true", help="a line for every phone, not only for every word"
    )
    add_voice_options(parser)
    parser.add_argument("--ssml", action="store_true", help="the text is SSML")
    parser.add_argument(
        "--key", action="store_true", help="the text is one character or the name of a key"
    )
    add_reading_options(parser)
    parser.add_argument("--json", action="store_true", help="all of it as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    if args.output is not None:
        check_file(args.output)
        if Path(args.output).suffix.lower() not in PICTURES:
            raise ConfigError(f"{args.output!r}: a picture ends in {' or '.join(PICTURES)}")
    text = read_text(args)

    from voicelet.synth import Voice
    from voicelet.synth.explain import explain
    from voicelet.synth.presets import find_voice

    options = speech_options(args)
    bundle, name = split_voice(args.bundle, args.voice)
    voice = Voice.load(
        bundle,
        threads=args.threads,
        user_lexicon=args.lexicon,
        user_rules=args.rules,
        trust_bundle=args.trust_bundle,
    )
    profile, preset = find_voice(name, voice.presets)
    explanation = explain(voice, text, profile=profile, preset=preset, options=options)
    if args.output is not None:
        _draw(explanation, args.output)
    if args.json:
        print_json(_as_dict(explanation))
    elif explanation.words:
        _print(explanation, args.phones)
    else:
        print("voicelet: the text holds nothing that can be spoken", file=sys.stderr)
    return 0


def _print(explanation: Explanation, phones: bool) -> None:
    rows = [
        [w.written, w.said, _rule(w), w.phones, _source(w), *_measures(explanation, number)]
        for number, w in enumerate(explanation.words)
    ]
    header = ["written", "said", "rule", "phones", "from", "at s", "ms", "f0 Hz", "dB"]
    print_table(header, rows)
    if phones:
        print()
        phone_rows = [
            [
                p.symbol,
                f"{p.start_s:.3f}",
                f"{(p.end_s - p.start_s) * 1e3:.0f}",
                f"{p.f0_hz:.0f}" if p.f0_hz else "",
                f"{p.energy_db:.0f}",
            ]
            for p in explanation.phones
        ]
        print_table(["phone", "at s", "ms", "f0 Hz", "dB"], phone_rows)
    _print_advice(explanation)


def _print_advice(explanation: Explanation) -> None:
    print()
    doubtful = {w.span: w for w in reversed(explanation.guessed)}
    if doubtful:
        print("No lexicon knows these. Where one is said wrongly, put its line into a file,")
        print("change the phones, and give the file with --lexicon FILE:")
        examples = list(reversed(doubtful.values()))
    else:
        print("To have a word said in another way, put such a line into a file, change the")
        print("phones, and give the file with --lexicon FILE:")
        examples = [max(explanation.words, key=lambda w: len(w.phones))]
    print()
    for word in examples:
        print(f"    {explanation.lexicon_line(word)}")


def _source(word: PhoneSource) -> str:
    source = f"{word.source} ({word.sense})" if word.sense else str(word.source)
    return source if word.phones == word.alone else f"{source}, phrase rule"


def _rule(word: PhoneSource) -> str:
    """The rule that read a word, after the pack or the file of the user's that it is in."""
    if not word.rule:
        return ""
    path = Path(word.rule_file)
    return f"{path.parent.name if path.name == 'rules.json' else path.name}: {word.rule}"


def _measures(explanation: Explanation, number: int) -> list[str]:
    own = [p for p in explanation.phones if p.word == number]
    if not own:
        return ["", "", "", ""]
    voiced = [p.f0_hz for p in own if p.f0_hz]
    return [
        f"{own[0].start_s:.2f}",
        f"{(own[-1].end_s - own[0].start_s) * 1e3:.0f}",
        f"{sum(voiced) / len(voiced):.0f}" if voiced else "",
        f"{max(p.energy_db for p in own):.0f}",
    ]


def _as_dict(explanation: Explanation) -> dict[str, Any]:
    words = [
        {
            "written": w.written,
            "span": list(w.span),
            "said": w.said,
            "phones": w.phones,
            "phones_alone": w.alone,
            "source": w.source,
            "sense": w.sense or None,
            "language": w.language,
            "rule": w.rule or None,
            "rule_file": w.rule_file or None,
            "guessed": w.is_guessed,
            "lexicon_line": explanation.lexicon_line(w),
        }
        for w in explanation.words
    ]
    phones = [
        {
            "phone": p.symbol,
            "start_s": round(p.start_s, 4),
            "end_s": round(p.end_s, 4),
            "f0_hz": None if p.f0_hz is None else round(p.f0_hz, 1),
            "energy_db": round(p.energy_db, 1),
            "word": p.word,
        }
        for p in explanation.phones
    ]
    seconds = round(len(explanation.f0_hz) / explanation.frames_per_s, 4)
    return {"words": words, "phones": phones, "seconds": seconds}


def _draw(explanation: Explanation, path: str) -> None:
    from voicelet.files import atomic_file
    from voicelet.synth.picture import png, svg

    is_svg = Path(path).suffix.lower() == ".svg"
    content = svg(explanation).encode("utf-8") if is_svg else png(explanation)
    try:
        with atomic_file(path) as file:
            file.write(content)
    except OSError as error:
        raise OutputError(f"can't write {path!r}: {error.strerror or error}") from None
